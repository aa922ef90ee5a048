# SPDX-License-Identifier: GPL-3.0-or-later
"""Polling, limits, groups, the circuit breaker and settling; in virtual time, on the model of SQS."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

import pytest
from support.harness import DLQ, FIFO, FIFO_DLQ, QUEUE, fifo, standard, until, working
from support.virtual import run

from sqs_worker import ConfigurationError, FatalError, Message, RetryableError
from sqs_worker.batch import failures, numbered
from sqs_worker.errors import ApiError, InProgressError


async def nothing(_message: Message) -> None:
    """A handler that does nothing."""


def now() -> float:
    return asyncio.get_running_loop().time()


def test_an_idle_queue_costs_180_requests_an_hour() -> None:
    async def main() -> None:
        sqs = standard()
        async with working(sqs, nothing, concurrency=100):
            await asyncio.sleep(100)
            before = sum(sqs.calls.values())
            await asyncio.sleep(3600)
            assert sum(sqs.calls.values()) - before in (179, 180)

    run(main())


def test_pollers_grow_with_a_backlog_and_fall_to_one() -> None:
    async def main() -> None:
        sqs, most = standard(), 0
        sqs.latency = 0.05

        async def handle(_message: Message) -> None:
            nonlocal most
            most = max(most, sqs.receiving)
            await asyncio.sleep(0.05)

        for number in range(2000):
            sqs.send(QUEUE, str(number))
        sqs.receiving = 0
        began = now()
        async with working(sqs, handle, concurrency=100):
            await until(lambda: not sqs.queues[QUEUE].messages)
            busy_for = now() - began
            await asyncio.sleep(120)
            assert sqs.receiving == 1
        assert busy_for < 2000 / 10 * 0.05 / 3, "one poller alone would take 10 s"

    run(main())


def test_a_backlog_costs_at_most_0_21_calls_a_message() -> None:
    async def main() -> None:
        sqs = standard()
        for number in range(5000):
            sqs.send(QUEUE, str(number))
        async with working(sqs, nothing, concurrency=10):
            await until(lambda: not sqs.queues[QUEUE].messages)
            assert sum(sqs.calls.values()) <= 0.21 * 5000

    run(main())


def test_handlers_of_different_speed_still_share_receives() -> None:
    """Room is waited for until a whole batch fits: one message a receive would cost five times as much."""

    async def main() -> None:
        sqs = standard()

        async def handle(message: Message) -> None:
            await asyncio.sleep(0.1 + int(message.body) % 7 / 10)

        for number in range(1000):
            sqs.send(QUEUE, str(number))
        async with working(sqs, handle, concurrency=10):
            await until(lambda: not sqs.queues[QUEUE].messages)
            assert sum(sqs.calls.values()) <= 0.35 * 1000

    run(main())


@pytest.mark.parametrize("concurrency", [1, 3, 50])
def test_no_more_handlers_run_than_allowed(concurrency: int) -> None:
    async def main() -> None:
        sqs, running, most = standard(), 0, 0

        async def handle(_message: Message) -> None:
            nonlocal running, most
            running += 1
            most = max(most, running)
            await asyncio.sleep(0.5)
            running -= 1

        for number in range(200):
            sqs.send(QUEUE, str(number))
        async with working(sqs, handle, concurrency=concurrency):
            await until(lambda: not sqs.queues[QUEUE].messages)
        assert most == concurrency

    run(main())


def test_the_rate_limit_holds_over_time() -> None:
    async def main() -> None:
        sqs, starts = standard(), list[float]()

        async def handle(_message: Message) -> None:
            starts.append(now())

        for number in range(100):
            sqs.send(QUEUE, str(number))
        async with working(sqs, handle, rate=2):
            await until(lambda: len(starts) == 100)
        assert 48 <= starts[-1] - starts[0] <= 52

    run(main())


def test_a_handler_beyond_its_deadline_has_failed() -> None:
    async def main() -> None:
        sqs, tries = standard(), list[int]()

        async def handle(message: Message) -> None:
            tries.append(message.receive_count)
            await asyncio.sleep(100 if message.receive_count == 1 else 0)

        sqs.send(QUEUE, "slow at first")
        async with working(sqs, handle, deadline=2, backoff_base=1):
            await until(lambda: not sqs.queues[QUEUE].messages, 30)
        assert tries == [1, 2]

    run(main())


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


def test_a_lost_answer_of_a_fifo_receive_brings_the_same_messages() -> None:
    """ReceiveRequestAttemptId: else the group would be blocked until the visibility timeout."""

    async def main() -> None:
        sqs, done, lost = fifo(visibility=900.0), list[str](), list[bool]()

        def lose(operation: str, _parameters: Mapping[str, Any]) -> ApiError | None:
            if operation == "ReceiveMessage" and not lost:
                lost.append(True)
                return ApiError(operation, "ConnectionError", "reset", retryable=True)
            return None

        async def handle(message: Message) -> None:
            done.append(message.body)

        sqs.lost = lose
        sqs.send(FIFO, "a1", group="a", deduplication_id="1")
        async with working(sqs, handle):
            await until(lambda: done == ["a1"], 10)

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


def test_failed_entries_of_a_delete_are_repeated() -> None:
    async def main() -> None:
        sqs, refused, runs = standard(), Counter[str](), Counter[str]()

        def refuse(operation: str, entry: Mapping[str, Any]) -> bool | None:
            if operation != "DeleteMessageBatch" or refused[entry["ReceiptHandle"]] >= 2:
                return None
            refused[entry["ReceiptHandle"]] += 1
            return False

        async def handle(message: Message) -> None:
            runs[message.body] += 1

        sqs.refuse_entry = refuse
        for number in range(20):
            sqs.send(QUEUE, str(number))
        async with working(sqs, handle):
            await until(lambda: not sqs.queues[QUEUE].messages, 20)
        assert set(runs.values()) == {1}

    run(main())


def test_heartbeats_are_batched() -> None:
    async def main() -> None:
        sqs = standard(visibility=30.0)

        async def handle(_message: Message) -> None:
            await asyncio.sleep(120)

        for number in range(100):
            sqs.send(QUEUE, str(number))
        async with working(sqs, handle, concurrency=100, drain_timeout=200):
            await until(lambda: not sqs.queues[QUEUE].messages)
        assert sqs.calls["ChangeMessageVisibilityBatch"] <= 100 / 10 * 10

    run(main())


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


def test_a_queue_that_does_not_exist_is_one_clear_error() -> None:
    async def main() -> None:
        sqs = standard()
        with pytest.raises(ConfigurationError, match="SQS_WORKER_QUEUE_URL: there is no such queue"):
            async with working(sqs, nothing, queue_url="https://sqs.example/1/other"):
                await asyncio.sleep(10)

    run(main())


def test_a_start_waits_for_an_endpoint_that_does_not_answer() -> None:
    async def main() -> None:
        sqs, up_at = standard(), now() + 120
        sqs.fault = lambda operation, _p: (
            ApiError(operation, "ConnectionError", "refused", retryable=True) if now() < up_at else None
        )
        sqs.send(QUEUE, "x")
        async with working(sqs, nothing):
            await until(lambda: not sqs.queues[QUEUE].messages, 200)

    run(main())


def test_entries_are_numbered_by_position_and_answers_matched_by_it() -> None:
    twice = [{"ReceiptHandle": "a"}, {"ReceiptHandle": "a"}]
    assert [entry["Id"] for entry in numbered(twice)] == ["0", "1"]
    outcome = failures({"Successful": [{"Id": "1"}], "Failed": [{"Id": "0", "Code": "X", "SenderFault": True}]}, 3)
    assert outcome[0] is not None
    assert not outcome[0].retryable
    assert outcome[1] is None
    assert outcome[2] is not None, "an entry that is not named has failed"


def test_a_failed_message_delivered_again_before_its_delay_is_not_deleted() -> None:
    """Never a silent delete: only what was handled may be deleted when it is delivered again."""

    async def main() -> None:
        sqs, tries = standard(visibility=5.0, max_receive_count=20), list[int]()
        call = sqs.call

        async def stalling(operation: str, parameters: Mapping[str, Any], **options: Any) -> dict[str, Any]:
            if operation == "ChangeMessageVisibilityBatch":
                await asyncio.sleep(8)  # the message is visible again before this call arrives
            return await call(operation, parameters, **options)

        async def handle(message: Message) -> None:
            tries.append(message.receive_count)
            if len(tries) < 4:
                raise RetryableError("not yet")

        sqs.call = stalling  # type: ignore[method-assign]
        sqs.send(QUEUE, "x")
        async with working(sqs, handle, backoff_base=1):
            await until(lambda: not sqs.queues[QUEUE].messages, 300)
        assert len(tries) == 4, "deleted though it never succeeded"

    run(main())
