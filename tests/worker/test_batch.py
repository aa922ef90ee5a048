# SPDX-License-Identifier: GPL-3.0-or-later
"""Batches of entries, and the answers to them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqs_worker.batch import Failure, call_batch, chunks, failures, numbered
from sqs_worker.errors import ApiError

URL = "https://sqs.example/1/orders"


class Api:
    """Answers every call alike, or fails it; remembers the calls."""

    def __init__(self, answer: dict[str, Any] | ApiError) -> None:
        self.answer = answer
        self.calls: list[tuple[str, Mapping[str, Any]]] = []

    async def call(
        self, operation: str, parameters: Mapping[str, Any], *, timeout: float = 10.0, attempts: int = 1
    ) -> dict[str, Any]:
        self.calls.append((operation, parameters))
        if isinstance(self.answer, ApiError):
            raise self.answer
        return self.answer

    async def close(self) -> None:
        """Nothing to close."""


def test_entries_are_numbered_by_position_and_answers_matched_by_it() -> None:
    twice = [{"ReceiptHandle": "a"}, {"ReceiptHandle": "a"}]
    assert [entry["Id"] for entry in numbered(twice)] == ["0", "1"]
    outcome = failures({"Successful": [{"Id": "1"}], "Failed": [{"Id": "0", "Code": "X", "SenderFault": True}]}, 3)
    assert outcome[0] is not None
    assert not outcome[0].retryable
    assert outcome[1] is None
    assert outcome[2] is not None, "an entry that is not named has failed"


def test_a_numbered_entry_keeps_what_it_had() -> None:
    assert numbered([{"ReceiptHandle": "a"}, {"ReceiptHandle": "b", "VisibilityTimeout": 0}]) == [
        {"Id": "0", "ReceiptHandle": "a"},
        {"Id": "1", "ReceiptHandle": "b", "VisibilityTimeout": 0},
    ]


def test_an_answer_that_names_nothing_is_a_failure_of_each_that_may_be_repeated() -> None:
    for answer in ({}, {"Successful": [], "Failed": []}, {"Successful": None, "Failed": None}):
        outcome = failures(answer, 2)
        assert [failure is not None and failure.retryable for failure in outcome] == [True, True]


def test_who_is_at_fault_decides_whether_to_repeat() -> None:
    failed = [
        {"Id": "0", "Code": "InternalError", "Message": "try again", "SenderFault": False},
        {"Id": "1", "Code": "ReceiptHandleIsInvalid", "Message": "expired", "SenderFault": True},
        {"Id": "2"},
    ]
    assert failures({"Failed": failed}, 3) == [
        Failure("InternalError", "try again", retryable=True),
        Failure("ReceiptHandleIsInvalid", "expired", retryable=False),
        Failure("", "", retryable=True),
    ]


def test_all_done_is_no_failure() -> None:
    assert failures({"Successful": [{"Id": "1"}, {"Id": "0"}]}, 2) == [None, None]


@given(st.integers(0, 45))
def test_chunks_are_of_ten_at_the_most_in_order_and_as_few_as_can_be(count: int) -> None:
    found = list(chunks(list(range(count))))
    assert [item for chunk in found for item in chunk] == list(range(count))
    assert all(len(chunk) == 10 for chunk in found[:-1])
    assert all(1 <= len(chunk) <= 10 for chunk in found)


def test_chunks_may_be_smaller() -> None:
    assert [list(chunk) for chunk in chunks("abcde", 2)] == [["a", "b"], ["c", "d"], ["e"]]


def test_a_batch_is_one_call_and_its_outcome_that_of_each_entry() -> None:
    api = Api({"Successful": [{"Id": "0"}], "Failed": [{"Id": "1", "Code": "X", "Message": "no", "SenderFault": True}]})
    entries = [{"ReceiptHandle": "a"}, {"ReceiptHandle": "b"}]
    outcome = asyncio.run(call_batch(api, "DeleteMessageBatch", URL, entries))
    assert outcome == [None, Failure("X", "no", retryable=False)]
    ((operation, parameters),) = api.calls
    assert operation == "DeleteMessageBatch"
    assert parameters == {
        "QueueUrl": URL,
        "Entries": [{"Id": "0", "ReceiptHandle": "a"}, {"Id": "1", "ReceiptHandle": "b"}],
    }


@pytest.mark.parametrize("retryable", [True, False])
def test_a_call_that_failed_is_a_failure_of_each_entry(retryable: bool) -> None:
    error = ApiError("DeleteMessageBatch", "ConnectionError", "reset", retryable=retryable)
    outcome = asyncio.run(call_batch(Api(error), "DeleteMessageBatch", URL, [{}, {}, {}]))
    assert outcome == [Failure("ConnectionError", str(error), retryable)] * 3
