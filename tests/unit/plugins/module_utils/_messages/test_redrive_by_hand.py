# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""Redrives by hand, where nothing may be lost whenever the run is killed."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.ecommerce.sqs.plugins.module_utils._messages.edit import MessageEdit
from ansible_collections.ecommerce.sqs.plugins.module_utils._messages.filter import MessageFilter
from ansible_collections.ecommerce.sqs.plugins.module_utils._messages.redrive_by_hand import HandRedrive
from ansible_collections.ecommerce.sqs.tests.unit.support.engines import messages_of
from ansible_collections.ecommerce.sqs.tests.unit.support.redrives import fill, make_service, task
from ansible_collections.ecommerce.sqs.tests.unit.support.strict_messages import StrictMessages


class Killed(BaseException):
    """The run ends here."""


@pytest.fixture
def service() -> StrictMessages:
    return make_service()


def by_hand(service: StrictMessages, destination_of: Callable[[str | None], str | None] | None = None) -> HandRedrive:
    api = messages_of(service)
    known = destination_of or (lambda name: service.url(name) if name in service.queues else None)
    return HandRedrive(api, api, known, sleep=service.sleep, clock=service.clock, now=service.clock)


class TestByHand:
    def test_messages_go_back_to_where_they_came_from(self, service: StrictMessages) -> None:
        fill(service)
        report = by_hand(service).run(task(service))
        assert report.moved == 23
        assert report.destinations == {"orders": 12, "mails": 11}
        assert service.store["dlq"] == []
        assert sorted(service.bodies("orders") + service.bodies("mails")) == sorted(f"m{index}" for index in range(23))

    def test_only_what_the_filter_matches(self, service: StrictMessages) -> None:
        fill(service)
        report = by_hand(service).run(task(service, filter=MessageFilter(body_matches="^m1$")))
        assert report.moved == 1
        assert report.seen == 23
        assert service.bodies("mails") == ["m1"]
        assert len(service.visible("dlq")) == 22

    def test_only_up_to_the_limit(self, service: StrictMessages) -> None:
        fill(service)
        assert by_hand(service).run(task(service, limit=12)).moved == 12
        assert len(service.visible("dlq")) == 11

    def test_edited_on_the_way(self, service: StrictMessages) -> None:
        service.dead_letter("orders", "dlq", '{"currency": "EURO"}')
        attribute = {"repaired": {"DataType": "Number", "StringValue": "1"}}
        by_hand(service).run(task(service, edit=MessageEdit(replace=(("EURO", "EUR"),), set_attributes=attribute)))
        (message,) = service.store["orders"]
        assert message.body == '{"currency": "EUR"}'
        assert message.attributes == attribute

    def test_where_a_worker_noted_the_source(self, service: StrictMessages) -> None:
        message = service.dead_letter("orders", "dlq", "m0")
        del message.system["DeadLetterQueueSourceArn"]
        message.attributes = {"DeadLetterSource": {"DataType": "String", "StringValue": '{"queue": "mails"}'}}
        by_hand(service).run(task(service))
        assert service.bodies("mails") == ["m0"]
        assert service.store["mails"][0].attributes == {}

    def test_a_message_of_unknown_source_stays_and_is_reported(self, service: StrictMessages) -> None:
        service.dead_letter("orders", "dlq", "m0").system.pop("DeadLetterQueueSourceArn")
        service.dead_letter("gone", "dlq", "m1")
        report = by_hand(service).run(task(service))
        assert report.moved == 0
        assert [item["reason"].split(";")[0] for item in report.failed] == [
            "it does not tell where it came from",
            "its source gone does not exist",
        ]
        assert len(service.visible("dlq")) == 2

    def test_what_the_destination_refuses_stays(self, service: StrictMessages) -> None:
        fill(service, 4)
        service.batch_fault = lambda operation, entry: (
            ("InvalidMessageContents", True)
            if operation == "SendMessageBatch" and entry["MessageBody"] == "m2"
            else None
        )
        report = by_hand(service).run(task(service))
        assert report.moved == 3
        assert [item["reason"] for item in report.failed] == ["InvalidMessageContents: no"]
        assert [message.body for message in service.visible("dlq")] == ["m2"]

    def test_the_rate_is_kept(self, service: StrictMessages) -> None:
        fill(service, 20)
        began = service.now
        by_hand(service).run(task(service, rate=2))
        assert service.now - began >= 20 / 2

    def test_fifo_keeps_groups_order_and_deduplication_ids(self, service: StrictMessages) -> None:
        for index in range(30):
            service.dead_letter(
                "ledger.fifo",
                "dlq.fifo",
                f"m{index}",
                MessageGroupId=f"g{index % 3}",
                MessageDeduplicationId=f"d{index}",
            )
        report = by_hand(service).run(task(service, "dlq.fifo"))
        assert report.moved == 30
        for group in range(3):
            moved = [message for message in service.store["ledger.fifo"] if message.group == f"g{group}"]
            assert [message.body for message in moved] == [f"m{index}" for index in range(group, 30, 3)]
            assert [message.system["MessageDeduplicationId"] for message in moved] == [
                f"d{index}" for index in range(group, 30, 3)
            ]

    def test_fifo_group_stops_at_its_first_failure(self, service: StrictMessages) -> None:
        for index in range(6):
            service.dead_letter(
                "ledger.fifo",
                "dlq.fifo",
                f"m{index}",
                MessageGroupId=f"g{index % 2}",
                MessageDeduplicationId=f"d{index}",
            )
        service.batch_fault = lambda operation, entry: (
            ("InternalError", False) if operation == "SendMessageBatch" and entry["MessageBody"] == "m2" else None
        )
        by_hand(service).run(task(service, "dlq.fifo"))
        assert service.bodies("ledger.fifo") == ["m0", "m1", "m3", "m5"]
        assert service.bodies("dlq.fifo") == ["m2", "m4"]

    def test_a_message_that_fifo_takes_for_a_duplicate_is_not_lost(self, service: StrictMessages) -> None:
        message = service.dead_letter("ledger.fifo", "dlq.fifo", "m0", MessageGroupId="g", MessageDeduplicationId="d")
        service.remember_sent("ledger.fifo", "d", message.message_id)
        report = by_hand(service).run(task(service, "dlq.fifo"))
        assert (report.moved, len(report.deferred)) == (0, 1)
        assert service.bodies("dlq.fifo") == ["m0"]
        service.now += 301
        assert by_hand(service).run(task(service, "dlq.fifo")).moved == 1
        assert service.bodies("ledger.fifo") == ["m0"]


def run_killed(service: StrictMessages, calls: int, source: str, *, answer_lost: bool) -> None:
    """Redrive by hand; the process is killed at its call number ``calls``, without a chance to clean up.

    With ``answer_lost`` the call itself is done.
    """
    counter = itertools.count()

    def kill(*_call: object) -> None:
        if next(counter) >= calls:
            service.fault = refuse_all
            raise Killed

    def refuse_all(_operation: str, _parameters: dict[str, Any]) -> None:
        raise Killed

    setattr(service, "lost" if answer_lost else "fault", kill)
    with contextlib.suppress(Killed):
        by_hand(service).run(task(service, source))
    service.fault = lambda _operation, _parameters: None
    service.lost = lambda: None


@given(st.lists(st.tuples(st.integers(0, 8), st.booleans()), min_size=1, max_size=4), st.integers(1, 25))
@settings(max_examples=80, deadline=None)
def test_nothing_is_lost_when_killed_anywhere(kills: list[tuple[int, bool]], count: int) -> None:
    service = make_service()
    fill(service, count)
    for calls, answer_lost in kills:
        run_killed(service, calls, "dlq", answer_lost=answer_lost)
        service.now += 301
    by_hand(service).run(task(service))
    assert set(service.bodies("orders") + service.bodies("mails")) == {f"m{index}" for index in range(count)}
    assert service.store["dlq"] == []


@given(st.integers(0, 12), st.booleans(), st.integers(1, 20))
@settings(max_examples=80, deadline=None)
def test_a_fifo_queue_gets_each_message_once_and_in_order_when_killed_anywhere(
    calls: int, answer_lost: bool, count: int
) -> None:
    service = make_service()
    for index in range(count):
        service.dead_letter(
            "ledger.fifo", "dlq.fifo", f"m{index}", MessageGroupId=f"g{index % 2}", MessageDeduplicationId=f"d{index}"
        )
    run_killed(service, calls, "dlq.fifo", answer_lost=answer_lost)
    for message in service.store["dlq.fifo"]:
        message.visible_at = 0.0
    by_hand(service).run(task(service, "dlq.fifo"))
    for group in range(2):
        bodies = [message.body for message in service.store["ledger.fifo"] if message.group == f"g{group}"]
        assert bodies == [f"m{index}" for index in range(group, count, 2)]
