# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is refused before the first call, and how messages are cut into batches."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.ecommerce.sqs.plugins.module_utils._messages.outgoing import (
    MESSAGE_BYTES,
    batches,
    check_deduplication,
    check_sizes,
    read_messages,
    size_of,
)
from ansible_collections.ecommerce.sqs.plugins.module_utils._problems import InvalidInputError


def errors_of(messages: list[Any], *, fifo: bool = False) -> list[str]:
    with pytest.raises(InvalidInputError) as caught:
        read_messages(messages, "messages", fifo=fifo)
    return caught.value.errors


@pytest.mark.parametrize(
    ("message", "fifo", "error"),
    [
        ({}, False, "messages[0].body: is missing"),
        ({"body": ""}, False, "messages[0].body: is empty; a message needs a body"),
        (
            {"body": "a\x00b"},
            False,
            "messages[0].body: holds the character U+0000 at 1, which SQS refuses",
        ),
        ({"body": "a"}, True, "messages[0].group_id: is missing; every message of a FIFO queue belongs to a group"),
        ({"body": "a", "deduplication_id": "d"}, False, "messages[0].deduplication_id: only a FIFO queue takes it"),
        ({"body": "a", "delay_seconds": 901}, False, "messages[0].delay_seconds: 901 is above 900 seconds"),
        (
            {"body": "a", "group_id": "g", "delay_seconds": 1},
            True,
            "messages[0].delay_seconds: a FIFO queue delays all messages or none; set delay_seconds of the queue",
        ),
        (
            {"body": "a", "attributes": {"AWS.x": "y"}},
            False,
            "messages[0].attributes.AWS.x: names that begin with AWS. or Amazon. are reserved",
        ),
        (
            {"body": "a", "attributes": {"x": ""}},
            False,
            "messages[0].attributes.x: '' is not a value; an attribute cannot be empty",
        ),
        (
            {"body": "a", "attributes": {"x": {"type": "Number", "value": "many"}}},
            False,
            "messages[0].attributes.x: 'many' is not a number",
        ),
        (
            {"body": "a", "attributes": {"x": {"type": "Binary", "value": "?"}}},
            False,
            "messages[0].attributes.x: '?' is not Base64",
        ),
        (
            {"body": "a", "attributes": {f"a{index}": "x" for index in range(11)}},
            False,
            "messages[0].attributes: 11 attributes is above 10",
        ),
        (
            {"body": "x" * (MESSAGE_BYTES + 1)},
            False,
            f"messages[0].body: the message has {MESSAGE_BYTES + 1} bytes, above {MESSAGE_BYTES}",
        ),
    ],
)
def test_a_bad_message_is_refused(message: dict[str, Any], fifo: bool, error: str) -> None:
    assert errors_of([message], fifo=fifo) == [error]


def test_all_bad_messages_are_reported_at_once() -> None:
    assert len(errors_of([{"body": ""}, {"body": "good"}, {"body": "x", "delay_seconds": -1}])) == 2


def test_data_is_sent_as_json() -> None:
    (entry,) = read_messages([{"body": {"order": 1, "name": "é"}}], "messages", fifo=False)
    assert entry["MessageBody"] == '{"order":1,"name":"é"}'


def test_attributes_keep_their_types() -> None:
    given_attributes = {
        "a": "x",
        "n": 3,
        "b": {"type": "Binary", "value": "AAE="},
        "c": {"type": "Number.cents", "value": 5},
    }
    (entry,) = read_messages([{"body": "x", "attributes": given_attributes}], "", fifo=False)
    assert entry["MessageAttributes"] == {
        "a": {"DataType": "String", "StringValue": "x"},
        "n": {"DataType": "Number", "StringValue": "3"},
        "b": {"DataType": "Binary", "BinaryValue": b"\x00\x01"},
        "c": {"DataType": "Number.cents", "StringValue": "5"},
    }


def test_deduplication_and_size_depend_on_the_queue() -> None:
    entries = read_messages([{"body": "x" * 2000, "group_id": "g"}], "messages", fifo=True)
    with pytest.raises(InvalidInputError, match=r"messages\[0\]\.deduplication_id: is missing"):
        check_deduplication(entries, "messages")
    with pytest.raises(InvalidInputError, match="2000 bytes, above the 1024 of the queue"):
        check_sizes(entries, 1024, "messages")


@given(st.lists(st.integers(1, MESSAGE_BYTES).map(lambda size: {"MessageBody": "x" * size}), max_size=25))
@settings(max_examples=50, deadline=None)
def test_batches_keep_order_and_limits(entries: list[dict[str, Any]]) -> None:
    cut = batches(entries)
    assert [entry["MessageBody"] for batch in cut for entry in batch] == [entry["MessageBody"] for entry in entries]
    for batch in cut:
        assert len(batch) <= 10
        assert sum(size_of(entry) for entry in batch) <= MESSAGE_BYTES
        assert [entry["Id"] for entry in batch] == [str(index) for index in range(len(batch))]


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["body", "attributes", "group_id", "deduplication_id", "delay_seconds", "else"]),
            st.none()
            | st.booleans()
            | st.integers()
            | st.text()
            | st.dictionaries(st.text(), st.text() | st.integers()),
        )
        | st.text(),
        max_size=4,
    ),
    st.booleans(),
)
@settings(max_examples=300, deadline=None)
def test_whatever_is_given_the_answer_is_entries_or_errors(messages: list[Any], fifo: bool) -> None:
    try:
        entries = read_messages(messages, "messages", fifo=fifo)
    except InvalidInputError as error:
        assert all(fault.startswith("messages[") for fault in error.errors)
    else:
        assert len(entries) == len(messages)
