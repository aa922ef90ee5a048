# SPDX-License-Identifier: GPL-3.0-or-later
"""The producer: sizes, batches, repeated entries."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.producing import FIFO, URL, Client

from sqs_worker import Outgoing, Producer, SendError
from sqs_worker.batch import MAX_BATCH_BYTES
from sqs_worker.producer import _batches


def test_messages_are_sent_in_batches_in_order() -> None:
    client = Client()
    ids = Producer(URL, client=client).send_many([str(number) for number in range(25)])
    assert ids == [f"id-{number}" for number in range(25)]
    assert client.batches == 3


def test_failed_entries_are_repeated() -> None:
    client = Client({"3": (2, False)})
    assert Producer(URL, client=client).send_many(list("0123456")) == [f"id-{number}" for number in range(7)]
    assert client.batches == 3


def test_what_stays_refused_is_named() -> None:
    client = Client({"3": (9, True)})
    with pytest.raises(SendError, match="1 of 5 messages not sent: message 3: X") as error:
        Producer(URL, client=client).send_many(list("01234"))
    assert error.value.message_ids == ["id-0", "id-1", "id-2", None, "id-4"]


def test_a_group_keeps_its_order_when_its_first_message_is_refused_for_a_while() -> None:
    client = Client({"1": (2, False)})
    Producer(FIFO, client=client).send_many(
        [Outgoing("1", group_id="a"), Outgoing("2", group_id="b"), Outgoing("3", group_id="a")]
    )
    assert [entry["MessageBody"] for entry in client.sent if entry["MessageGroupId"] == "a"] == ["1", "3"]
    assert client.batches == 4


def test_nothing_is_sent_past_a_failed_fifo_message() -> None:
    client = Client({"5": (99, True)})
    messages = [Outgoing(str(number), group_id="g", deduplication_id=str(number)) for number in range(25)]
    with pytest.raises(SendError) as error:
        Producer(FIFO, client=client).send_many(messages)
    assert set(error.value.failed) == set(range(5, 25))
    assert [entry["MessageBody"] for entry in client.sent] == list("01234")


@given(st.lists(st.integers(1, 400_000), max_size=40))
def test_batches_keep_order_and_limits(sizes: list[int]) -> None:
    entries = [{"MessageBody": "x" * size} for size in sizes]
    batches = _batches(entries)
    assert [position for batch in batches for position in batch] == list(range(len(sizes)))
    assert all(len(batch) <= 10 and sum(sizes[position] for position in batch) <= MAX_BATCH_BYTES for batch in batches)


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        (Outgoing(""), "body is empty"),
        (Outgoing("x" * (MAX_BATCH_BYTES + 1)), "message of 1048577 bytes"),
        (Outgoing("é" * (MAX_BATCH_BYTES // 2), {"a": "b"}), "message of 1048584 bytes"),
        (Outgoing("x", delay_seconds=901), "delay_seconds: 901"),
        (Outgoing("x", {"a": ""}), "attribute a: '' is not"),
        (Outgoing("x", {"a": True}), "attribute a: True is not"),
    ],
)
def test_what_sqs_would_refuse_is_refused_before_the_call(message: Outgoing, problem: str) -> None:
    client = Client()
    with pytest.raises(ValueError, match=problem):
        Producer(URL, client=client).send_many(["fine", message])
    assert not client.sent
