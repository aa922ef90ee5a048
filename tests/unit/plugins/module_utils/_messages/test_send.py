# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""How messages are sent, and what becomes of those that SQS does not take."""

from __future__ import annotations

from ansible_collections.ecommerce.sqs.plugins.module_utils._messages.api import SEND_ATTEMPTS
from ansible_collections.ecommerce.sqs.plugins.module_utils._messages.outgoing import read_messages
from ansible_collections.ecommerce.sqs.plugins.module_utils._messages.send import send_all
from ansible_collections.ecommerce.sqs.tests.unit.support.engines import messages_of
from ansible_collections.ecommerce.sqs.tests.unit.support.strict_messages import StrictMessages


def test_25_messages_go_in_three_calls(service: StrictMessages) -> None:
    entries = read_messages([{"body": f"m{index}"} for index in range(25)], "messages", fifo=False)
    taken, refused = send_all(messages_of(service), service.url("orders"), entries)
    assert service.counts() == {"SendMessageBatch": 3}
    assert service.bodies("orders") == [f"m{index}" for index in range(25)]
    assert [item["position"] for item in taken] == list(range(25))
    assert refused == []


def test_entries_failed_by_sqs_are_sent_again(service: StrictMessages) -> None:
    failures = iter([("InternalError", False), ("InternalError", False)])
    service.batch_fault = lambda _operation, entry: next(failures, None) if entry["MessageBody"] == "m1" else None
    entries = read_messages([{"body": f"m{index}"} for index in range(3)], "messages", fifo=False)
    taken, refused = send_all(messages_of(service), service.url("orders"), entries)
    assert sorted(service.bodies("orders")) == ["m0", "m1", "m2"]
    assert (len(taken), refused) == (3, [])


def test_entries_that_are_at_fault_are_reported_and_not_repeated(service: StrictMessages) -> None:
    service.batch_fault = lambda _operation, entry: (
        ("InvalidMessageContents", True) if entry["MessageBody"] == "m1" else None
    )
    entries = read_messages([{"body": f"m{index}"} for index in range(3)], "messages", fifo=False)
    _taken, refused = send_all(messages_of(service), service.url("orders"), entries)
    assert refused == [{"position": 1, "reason": "InvalidMessageContents: no"}]
    assert service.counts() == {"SendMessageBatch": 1}


def test_a_group_of_a_fifo_queue_stops_at_its_first_failure(service: StrictMessages) -> None:
    service.batch_fault = lambda _operation, entry: ("InternalError", False) if entry["MessageBody"] == "a1" else None
    messages = [
        {"body": f"{group}{index}", "group_id": group, "deduplication_id": f"{group}{index}"}
        for index in range(3)
        for group in "ab"
    ]
    entries = read_messages(messages, "messages", fifo=True)
    taken, refused = send_all(messages_of(service), service.url("ledger.fifo"), entries)
    assert service.bodies("ledger.fifo") == ["a0", "b0", "b1", "b2"]
    assert len(taken) == 4
    assert [item["position"] for item in refused] == [2, 4]
    assert service.counts()["SendMessageBatch"] <= 2 + SEND_ATTEMPTS
