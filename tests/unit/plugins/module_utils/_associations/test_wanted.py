# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""The associations that a module is asked for are read, or refused with the path of each fault."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.ecommerce.sqs.plugins.module_utils._associations.wanted import read_wanted
from ansible_collections.ecommerce.sqs.plugins.module_utils._problems import InvalidInputError


@pytest.mark.parametrize(
    ("entries", "error"),
    [
        (
            [{"instance_id": "web-1", "instance_profile": "p"}],
            "associations[0].instance_id: 'web-1' is not an",
        ),
        ([{"instance_id": "i-01234567"}], "associations[0].instance_profile: is missing"),
        (
            [{"instance_id": "i-01234567", "instance_profile": "p"}] * 2,
            "associations[1].instance_id: i-01234567 is li",
        ),
    ],
)
def test_bad_input_is_named(entries, error):
    with pytest.raises(InvalidInputError) as caught:
        read_wanted(entries, absent=False)
    assert error in str(caught.value)


@settings(max_examples=500)
@given(
    st.lists(st.fixed_dictionaries({"instance_id": st.text()}, optional={"instance_profile": st.none() | st.text()})),
    st.booleans(),
)
def test_any_input_is_read_or_refused_with_its_path(entries, absent):
    try:
        found = read_wanted(entries, absent=absent)
    except InvalidInputError as error:
        assert all(line.startswith("associations[") for line in error.errors)
    else:
        assert [item.instance_id for item in found] == [entry["instance_id"] for entry in entries]
