# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tags: which AWS takes, and which are set and removed to have those that are wanted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ecommerce.sqs.plugins.module_utils._problems import Problems
from ansible_collections.ecommerce.sqs.plugins.module_utils._topology.tags import differing_tags, read_tags


@pytest.mark.parametrize(
    ("tags", "path"),
    [
        ({"": "v"}, "tags."),
        ({"k" * 129: "v"}, "tags." + "k" * 129),
        ({"k": "v" * 257}, "tags.k"),
        ({"AWS:k": "v"}, "tags.AWS:k"),
        ({"k": True}, "tags.k"),
        ({"k": "a*b"}, "tags.k"),
        ({"k#": "v"}, "tags.k#"),
        ({f"k{number}": "v" for number in range(51)}, "tags"),
        (["k"], "tags"),
    ],
)
def test_what_aws_refuses_is_a_fault_with_its_path(tags, path):
    problems = Problems()
    read_tags(tags, "tags", problems)
    (fault,) = problems.errors
    assert fault.startswith(f"{path}: ")


@pytest.mark.parametrize(
    "tags",
    [
        None,
        {},
        {"k" * 128: "v" * 256, "awsome": ""},
        {"Kosten Stelle_.:/=+-@": "Zürich 7"},
        {f"k{number}": "v" for number in range(50)},
    ],
)
def test_what_aws_takes_is_read_as_it_is(tags):
    problems = Problems()
    assert read_tags(tags, "tags", problems) == (tags or {})
    assert problems.errors == []


def test_numbers_are_read_as_text():
    assert read_tags({"year": 2026}, "tags", Problems()) == {"year": "2026"}


KEYS = st.sampled_from(["a", "b", "aws:cloudformation:stack-name", "AWS"])
TAGS = st.dictionaries(KEYS, st.sampled_from(["1", "2"]))


@given(TAGS, TAGS, st.booleans())
def test_what_is_set_and_removed_leaves_what_is_wanted(wanted, actual, purge):
    new, strangers = differing_tags(wanted, actual, purge=purge)
    after = {key: value for key, value in {**actual, **new}.items() if key not in strangers}
    assert {key: after[key] for key in wanted} == wanted
    beside = set(after) - set(wanted)
    assert beside == ({key for key in beside if key.startswith("aws:")} if purge else set(actual) - set(wanted))
    assert not set(new.items()) & set(actual.items())


@given(TAGS)
def test_tags_of_which_nothing_is_said_stay(actual):
    assert differing_tags(None, actual, purge=True) == ({}, [])


def test_keys_are_removed_in_a_stable_order():
    assert differing_tags({}, {"b": "1", "a": "1"}, purge=True) == ({}, ["a", "b"])
