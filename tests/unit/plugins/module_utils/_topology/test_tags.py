# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tags: which AWS takes, and which are set and removed to have those that are wanted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ecommerce.sqs.plugins.module_utils._problems import Problems
from ansible_collections.ecommerce.sqs.plugins.module_utils._topology.tags import (
    check_number_of_tags,
    differing_tags,
    read_tags,
)


def read(value: object) -> tuple[dict[str, str], list[str]]:
    problems = Problems()
    return read_tags(value, "tags", problems), problems.errors


@pytest.mark.parametrize(
    ("tags", "read_as"),
    [
        (None, {}),
        ({}, {}),
        ({"n": 1, "half": 0.5, "text": "x"}, {"n": "1", "half": "0.5", "text": "x"}),
        ({"k" * 128: "v" * 256}, {"k" * 128: "v" * 256}),
        ({"a_b.c:d/e=f+g-h@i j": "ä é 1", "awsome": ""}, {"a_b.c:d/e=f+g-h@i j": "ä é 1", "awsome": ""}),
        ({f"k{number}": "" for number in range(50)}, {f"k{number}": "" for number in range(50)}),
    ],
)
def test_what_aws_takes(tags: object, read_as: dict[str, str]) -> None:
    assert read(tags) == (read_as, [])


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (3, "tags: 3 is not a mapping"),
        (["k"], "tags: ['k'] is not a mapping"),
        ({"": "v"}, "tags.: the key of a tag cannot be empty"),
        ({"k": True}, "tags.k: True is not a string"),
        ({"k": None}, "tags.k: None is not a string"),
        ({"k": ["v"]}, "tags.k: ['v'] is not a string"),
        ({"k" * 129: "v"}, f"tags.{'k' * 129}: the key is 129 characters, above 128"),
        ({"k": "v" * 257}, "tags.k: the value is 257 characters, above 256"),
        ({"aws:k": "v"}, "tags.aws:k: keys that begin with aws: are reserved"),
        ({"AWS:k": "v"}, "tags.AWS:k: keys that begin with aws: are reserved"),
        ({"k!": "v"}, "tags.k!: 'v': a tag may hold"),
        ({"k": "v;"}, "tags.k: 'v;': a tag may hold"),
    ],
)
def test_what_aws_refuses(value: object, error: str) -> None:
    tags, errors = read(value)
    assert tags == {}
    assert len(errors) == 1
    assert errors[0].startswith(error)


def test_a_bad_tag_hides_no_other() -> None:
    tags, errors = read({"a": True, "good": "v", "b;": "v"})
    assert tags == {"good": "v"}
    assert [error.split(": ")[0] for error in errors] == ["tags.a", "tags.b;"]


def test_there_are_at_most_50() -> None:
    _tags, errors = read({f"k{number}": "" for number in range(51)})
    assert errors == ["tags: 51 tags is above 50"]
    problems = Problems()
    check_number_of_tags({f"k{number}": "" for number in range(51)}, "x", problems, of=" of all")
    assert problems.errors == ["x: 51 tags of all is above 50"]


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


def test_aws_own_tags_are_never_removed():
    actual = {"aws:x": "1", "AWS:x": "1", "awsome": "1"}
    assert differing_tags({}, actual, purge=True) == ({}, ["AWS:x", "awsome"])
