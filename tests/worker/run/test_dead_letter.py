# SPDX-License-Identifier: GPL-3.0-or-later
"""Dead letters: what SQS takes, with the reason as long as there is room for it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqs_worker import Message
from sqs_worker.batch import MAX_BATCH_BYTES
from sqs_worker.errors import ApiError
from sqs_worker.message import MAX_ATTRIBUTES
from sqs_worker.producer import entry_size
from sqs_worker.run.dead_letter import REASON_ATTRIBUTE, SOURCE_ATTRIBUTE, dead_letter, original_attributes, reason_of

ORDERS, DLQ = "https://sqs.example/1/orders", "https://sqs.example/1/dlq"
FIFO, FIFO_DLQ = "https://sqs.example/1/payments.fifo", "https://sqs.example/1/dlq.fifo"


def attributes(count: int) -> dict[str, Any]:
    return {f"a{number}": {"DataType": "String", "StringValue": "x"} for number in range(count)}


def received(copy: dict[str, Any]) -> Message:
    """The copy as the dead-letter queue delivers it."""
    return Message(copy["MessageBody"], "another-id", message_attributes=copy["MessageAttributes"])


def test_a_dead_letter_keeps_its_message_and_tells_reason_and_origin() -> None:
    message = Message(
        "body", "id-1", system_attributes={"ApproximateReceiveCount": "2"}, message_attributes=attributes(2)
    )
    copy = dead_letter(message, "ValueError: no such customer", ORDERS, DLQ)
    assert (copy["QueueUrl"], copy["MessageBody"]) == (DLQ, "body")
    assert reason_of(received(copy)) == "ValueError: no such customer"
    assert original_attributes(received(copy)) == attributes(2)
    origin = json.loads(copy["MessageAttributes"][SOURCE_ATTRIBUTE]["StringValue"])
    assert origin == {"queue": "orders", "message_id": "id-1", "receive_count": 2}


def test_what_sqs_moved_has_no_reason() -> None:
    assert reason_of(Message("body", "id-1", message_attributes=attributes(1))) == ""


def test_with_one_attribute_left_it_is_the_reasons_and_with_none_there_is_no_dead_letter() -> None:
    one_left = Message("body", "id-1", message_attributes=attributes(MAX_ATTRIBUTES - 1))
    copy = dead_letter(one_left, "why", ORDERS, DLQ)
    assert set(copy["MessageAttributes"]) == {*attributes(MAX_ATTRIBUTES - 1), REASON_ATTRIBUTE}
    with pytest.raises(ApiError) as error:
        dead_letter(Message("body", "id-1", message_attributes=attributes(MAX_ATTRIBUTES)), "why", ORDERS, DLQ)
    assert not error.value.retryable


def test_a_copy_sent_twice_arrives_once_in_a_fifo_queue_and_keeps_its_group() -> None:
    grouped = Message("body", "id-1", system_attributes={"MessageGroupId": "customer-7"})
    copy = dead_letter(grouped, "why", FIFO, FIFO_DLQ)
    assert (copy["MessageGroupId"], copy["MessageDeduplicationId"]) == ("customer-7", "id-1")
    assert "MessageGroupId" not in dead_letter(grouped, "why", ORDERS, DLQ)


def test_a_trace_goes_on_in_the_dead_letter_queue() -> None:
    traced = Message("body", "id-1", system_attributes={"AWSTraceHeader": "Root=1-2-3"})
    copy = dead_letter(traced, "why", ORDERS, DLQ)
    assert copy["MessageSystemAttributes"]["AWSTraceHeader"]["StringValue"] == "Root=1-2-3"
    assert "MessageSystemAttributes" not in dead_letter(Message("body", "id-1"), "why", ORDERS, DLQ)


@pytest.mark.parametrize("left", [0, 1, 20, 100, 200, 2000])
def test_a_message_of_any_size_has_a_dead_letter_that_sqs_takes(left: int) -> None:
    copy = dead_letter(Message("x" * (MAX_BATCH_BYTES - left), "id-1"), "w" * 5000, ORDERS, DLQ)
    assert entry_size(copy) <= MAX_BATCH_BYTES
    assert (REASON_ATTRIBUTE in copy["MessageAttributes"]) == (left == 2000)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=2000))
def test_a_reason_has_only_characters_that_sqs_takes_and_a_bounded_length(text: str) -> None:
    reason = reason_of(received(dead_letter(Message("body", "id-1"), text, ORDERS, DLQ)))
    assert len(reason) == min(len(text), 1000)
    refused = [char for char in reason if (char < " " and char not in "\t\n\r") or char in "\ufffe\uffff"]
    assert not refused
    assert all(kept == char for kept, char in zip(reason, text, strict=False) if char.isascii() and char >= " ")
