# SPDX-License-Identifier: GPL-3.0-or-later
"""Order, tries, and what becomes of a message; in virtual time, on the model of SQS."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

import pytest
from support.harness import DLQ, FIFO, FIFO_DLQ, QUEUE, fifo, standard, until, working
from support.virtual import now, run

from sqs_worker import FatalError, Message, RetryableError
from sqs_worker.errors import InProgressError
from sqs_worker.observe.journal import Journal
from sqs_worker.run.acknowledger import Acknowledger
from sqs_worker.run.job import Job


def test_groups_run_in_parallel_and_each_in_order() -> None:
    async def main() -> None:
        sqs, done, running = fifo(), defaultdict[str | None, list[str]](list), Counter[str | None]()
        most = 0

        async def handle(message: Message) -> None:
            nonlocal most
            running[message.group_id] += 1
            assert running[message.group_id] == 1
            most = max(most, sum(running.values()))
            await asyncio.sleep(1)
            running[message.group_id] -= 1
            done[message.group_id].append(message.body)

        for number in range(50):
            group = f"g{number % 5}"
            sqs.send(FIFO, f"{number:03}", group=group, deduplication_id=str(number))
        began = now()
        async with working(sqs, handle):
            await until(lambda: not sqs.queues[FIFO].messages)
            assert now() - began < 30
        assert most == 5
        assert all(bodies == sorted(bodies) and len(bodies) == 10 for bodies in done.values())

    run(main())


def test_a_fatal_head_lets_its_group_go_on() -> None:
    async def main() -> None:
        sqs, done = fifo(), list[str]()

        async def handle(message: Message) -> None:
            if message.body == "a1":
                raise FatalError("no such customer")
            done.append(message.body)

        for body in ("a1", "a2"):
            sqs.send(FIFO, body, group="a", deduplication_id=body)
        async with working(sqs, handle):
            await until(lambda: done == ["a2"], 10)
        assert sqs.bodies(FIFO_DLQ) == ["a1"]

    run(main())


def test_nothing_of_a_group_starts_while_its_head_waits_for_its_next_try() -> None:
    async def main() -> None:
        sqs, tries = fifo(), list[str]()

        async def handle(message: Message) -> None:
            tries.append(message.body)
            if len(tries) == 1:
                raise RetryableError("not yet", retry_after=5)

        for body in ("a1", "a2", "a3"):
            sqs.send(FIFO, body, group="a", deduplication_id=body)
        async with working(sqs, handle, wait_time=1):
            await until(lambda: not sqs.queues[FIFO].messages, 60)
        assert tries == ["a1", "a1", "a2", "a3"]

    run(main())


def test_backoff_grows_with_the_receive_count_and_has_jitter() -> None:
    async def main() -> None:
        sqs, tries = standard(max_receive_count=6), defaultdict[str, list[float]](list)

        async def handle(message: Message) -> None:
            tries[message.body].append(now())
            raise RetryableError("not yet")

        for number in range(20):
            sqs.send(QUEUE, str(number))
        async with working(sqs, handle, backoff_base=10, breaker_threshold=0, concurrency=20):
            await until(lambda: len(sqs.queues[DLQ].messages) == 20)
        for times in tries.values():
            gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
            assert len(times) == 6
            for attempt, gap in enumerate(gaps, 1):
                assert 5 * 2 ** (attempt - 1) <= gap <= 10 * 2 ** (attempt - 1) + 3
        assert len({round(times[1] - times[0], 1) for times in tries.values()}) > 3

    run(main())


def test_retry_after_is_taken_literally() -> None:
    async def main() -> None:
        sqs, tries = standard(), list[float]()

        async def handle(_message: Message) -> None:
            tries.append(now())
            if len(tries) == 1:
                raise RetryableError("limit reached", retry_after=77)

        sqs.send(QUEUE, "x")
        async with working(sqs, handle):
            await until(lambda: len(tries) == 2)
        assert 77 <= tries[1] - tries[0] <= 79

    run(main())


def test_debug_log_says_at_which_receive_a_message_was_done(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        sqs = standard()

        async def handle(message: Message) -> None:
            if message.receive_count == 1:
                raise RetryableError("not yet")

        sqs.send(QUEUE, "order")
        async with working(sqs, handle):
            await until(lambda: not sqs.queues[QUEUE].messages)

    with caplog.at_level("DEBUG", logger="sqs_worker"):
        run(main())
    assert "done at receive 2" in caplog.text


def test_a_dependency_down_for_ten_minutes_dead_letters_nothing() -> None:
    """The circuit breaker stops receiving; what is in hand is kept and tried one at a time."""

    async def main() -> None:
        sqs, done, tries_while_down = standard(), set[str](), 0
        up_at = now() + 600

        async def handle(message: Message) -> None:
            nonlocal tries_while_down
            if now() < up_at:
                tries_while_down += 1
                raise ConnectionError("database is down")
            done.add(message.body)

        for number in range(500):
            sqs.send(QUEUE, str(number))
        async with working(sqs, handle, concurrency=10):
            await asyncio.sleep(30)
            receives = sqs.calls["ReceiveMessage"]
            await asyncio.sleep(560)
            assert sqs.calls["ReceiveMessage"] - receives <= 20, "receiving goes on though the breaker is open"
            assert tries_while_down < 100
            await until(lambda: len(done) == 500, 400)
        assert not sqs.queues[DLQ].messages
        assert not sqs.queues[QUEUE].messages

    run(main())


def test_poison_messages_alone_do_not_keep_the_breaker_open() -> None:
    async def main() -> None:
        sqs, done = standard(), list[str]()

        async def handle(message: Message) -> None:
            if message.body.startswith("poison"):
                raise ValueError("cannot be read")
            done.append(message.body)

        for number in range(12):
            sqs.send(QUEUE, f"poison {number}")
        async with working(sqs, handle, breaker_pause=5, breaker_pause_max=30):
            await asyncio.sleep(20)
            sqs.send(QUEUE, "good")
            await until(lambda: done == ["good"], 300)
            for _unused in range(200):
                sqs.send(QUEUE, "good")
                await asyncio.sleep(30)
        assert len(sqs.queues[DLQ].messages) == 12
        assert len(done) == 201

    run(main())


def test_a_message_busy_elsewhere_uses_up_no_receive() -> None:
    async def main() -> None:
        sqs, tries = standard(), list[int]()

        async def handle(message: Message) -> None:
            tries.append(message.receive_count)
            if len(tries) < 8:
                raise InProgressError("key is in progress", retry_after=15)

        sqs.send(QUEUE, "x")
        async with working(sqs, handle):
            await until(lambda: not sqs.queues[QUEUE].messages)
        assert tries == [1] * 8

    run(main())


def test_a_handler_that_cancels_itself_is_a_failure_not_a_leak() -> None:
    async def main() -> None:
        sqs, tries = standard(), list[int]()

        async def handle(message: Message) -> None:
            tries.append(message.receive_count)
            if len(tries) == 1:
                raise asyncio.CancelledError

        sqs.send(QUEUE, "x")
        async with working(sqs, handle, backoff_base=1):
            await until(lambda: not sqs.queues[QUEUE].messages, 60)
        assert tries == [1, 2]

    run(main())


def test_what_was_received_ahead_is_given_back_when_a_drain_ends_before_its_handlers() -> None:
    """Nothing more is started by the slots of handlers that a drain has ended."""

    async def main() -> None:
        sqs, tried = standard(visibility=900.0), list[str]()

        async def handle(message: Message) -> None:
            tried.append(message.body)
            await asyncio.sleep(1000)

        for number in range(6):
            sqs.send(QUEUE, str(number))
        async with working(sqs, handle, concurrency=2, prefetch=4, wait_time=1, drain_timeout=3):
            await until(lambda: len(sqs.in_flight(QUEUE)) == 6)
        assert tried == ["0", "1"]
        assert not sqs.in_flight(QUEUE)

    run(main())


def test_a_drain_that_ends_in_a_group_gives_back_the_rest_of_it_in_order() -> None:
    async def main() -> None:
        sqs, tried = fifo(visibility=900.0), list[str]()

        async def handle(message: Message) -> None:
            tried.append(message.body)
            try:
                await asyncio.sleep(1000)
            except asyncio.CancelledError:
                return  # a handler that ends with success when it is told to

        for number in range(4):
            sqs.send(FIFO, f"a{number}", group="a", deduplication_id=str(number))
        async with working(sqs, handle, wait_time=1, drain_timeout=3):
            await until(lambda: len(tried) == 1)
        assert tried == ["a0"]
        assert sqs.bodies(FIFO) == ["a1", "a2", "a3"]
        assert not sqs.in_flight(FIFO)

    run(main())


def test_the_head_of_a_group_given_back_is_visible_only_when_nothing_behind_it_is_in_flight() -> None:
    """Else the head may be delivered to another worker while the rest of its group is still in this one's hand."""

    async def main() -> None:
        sqs, in_flight = fifo(visibility=900.0), list[list[str]]()

        async def handle(_message: Message) -> None:
            await asyncio.sleep(1000)

        def look(operation: str, _entry: Mapping[str, Any]) -> None:
            if operation == "ChangeMessageVisibilityBatch":
                in_flight.append([message.body for message in sqs.in_flight(FIFO)])

        for number in range(4):
            sqs.send(FIFO, f"a{number}", group="a", deduplication_id=str(number))
        async with working(sqs, handle, wait_time=1, drain_timeout=3):
            await until(lambda: len(sqs.in_flight(FIFO)) == 4)
            sqs.refuse_entry = look
        assert in_flight == [["a0", "a1", "a2", "a3"], ["a0", "a1", "a2"], ["a0", "a1"], ["a0"]]
        assert not sqs.in_flight(FIFO)

    run(main())


def test_a_handler_that_cancels_itself_during_a_drain_leaves_nothing_in_flight() -> None:
    async def main() -> None:
        sqs, tried = fifo(visibility=900.0), list[str]()

        async def handle(message: Message) -> None:
            tried.append(message.body)
            await asyncio.sleep(3)
            raise asyncio.CancelledError

        for number in range(3):
            sqs.send(FIFO, str(number), group="a", deduplication_id=str(number))
        async with working(sqs, handle, wait_time=1, drain_timeout=30, backoff_base=0.1) as launcher:
            await until(lambda: len(tried) == 1)
            launcher.stop()
        assert tried == ["0"]
        await asyncio.sleep(1)
        assert not sqs.in_flight(FIFO)

    run(main())


def test_a_defect_in_settling_gives_the_message_back_and_the_next_is_tried(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever breaks, the slot is free again, and the message is not stranded."""

    async def main() -> None:
        sqs, done = standard(visibility=900.0), list[str]()
        settle = Acknowledger.delete

        def broken(acknowledger: Acknowledger, job: Job) -> None:
            monkeypatch.setattr(Acknowledger, "delete", settle)
            raise RuntimeError("a defect")

        monkeypatch.setattr(Acknowledger, "delete", broken)

        async def handle(message: Message) -> None:
            done.append(message.body)

        sqs.send(QUEUE, "x")
        async with working(sqs, handle, backoff_base=1):
            await until(lambda: not sqs.queues[QUEUE].messages, 60)
        assert done == ["x", "x"]

    run(main())
    assert "a defect" in caplog.text


class Torn(BaseException):
    """Neither an Exception nor a cancellation, as some libraries' timeouts are."""


@pytest.mark.parametrize("breaks", ["handler", "settling"])
def test_a_defect_in_the_open_breakers_single_try_does_not_end_its_tries(
    breaks: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Else nothing would be received any more, though the worker looks alive."""

    async def main() -> None:
        sqs, tries = standard(visibility=900.0, max_receive_count=None), list[str]()
        tried = Journal.tried

        def broken(journal: Journal, message: Message, error: BaseException | None) -> None:
            if breaks == "settling" and len(tries) == 2:
                raise Torn("a defect")
            tried(journal, message, error)

        monkeypatch.setattr(Journal, "tried", broken)

        async def handle(message: Message) -> None:
            tries.append(message.body)
            if len(tries) == 1:
                raise ConnectionError("database is down")
            if breaks == "handler" and len(tries) == 2:
                raise Torn("a defect")

        sqs.send(QUEUE, "order")
        async with working(sqs, handle, breaker_threshold=1, backoff_base=1):
            await until(lambda: not sqs.queues[QUEUE].messages, 120)
        assert tries == ["order"] * 3

    run(main())
    assert "a defect" in caplog.text


class UnspeakableError(FatalError):
    """Its text cannot be had, as when __str__ reads an attribute that was never set."""

    def __str__(self) -> str:
        raise AttributeError("order")


def test_an_error_whose_text_cannot_be_had_does_with_its_message_what_its_kind_says() -> None:
    async def main() -> None:
        sqs = standard()

        async def handle(_message: Message) -> None:
            raise UnspeakableError

        sqs.send(QUEUE, "order")
        async with working(sqs, handle):
            await until(lambda: sqs.bodies(DLQ) == ["order"], 10)
        (dead,) = sqs.queues[DLQ].messages
        assert dead.attributes["DeadLetterReason"]["StringValue"].startswith("UnspeakableError")

    run(main())
