# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""The instance profiles that a module is asked for are read, or refused with the path of each fault."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.ecommerce.sqs.plugins.module_utils._instance_profiles.wanted import read_wanted
from ansible_collections.ecommerce.sqs.plugins.module_utils._problems import InvalidInputError


def document(*actions):
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]}


TEXT = st.text(max_size=140)
NAMED = st.fixed_dictionaries(
    {"name": TEXT},
    optional={"document": st.none() | st.dictionaries(st.sampled_from(["Statement", "Version"]), TEXT)},
)
ENTRY = st.fixed_dictionaries(
    {"name": TEXT},
    optional={
        "role": st.none() | TEXT,
        "managed_policies": st.lists(NAMED, max_size=2),
        "inline_policies": st.lists(NAMED, max_size=2),
        "managed_policy_arns": st.lists(TEXT, max_size=2),
        "permissions_boundary": st.none() | TEXT,
        "max_session_duration": st.none() | st.integers(),
        "tags": st.none() | st.dictionaries(TEXT, TEXT, max_size=2),
    },
)


@settings(max_examples=500)
@given(st.lists(ENTRY, max_size=3), st.booleans())
def test_any_input_is_read_or_refused_with_reasons(entries, absent):
    try:
        found = read_wanted(entries, trust_policy=document("sts:AssumeRole"), absent=absent)
    except InvalidInputError as error:
        assert error.errors
        assert all(line.startswith("instance_profiles") for line in error.errors)
    else:
        assert [item.name for item in found] == [entry["name"] for entry in entries]
