# SPDX-License-Identifier: GPL-3.0-or-later
"""What users of other workers complain about, each with its reference; in virtual time, on the model of SQS."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Any

from support.harness import DLQ, FIFO, FIFO_DLQ, QUEUE, fifo, lost, nothing, standard, until, working
from support.virtual import now, run

from sqs_worker import Message, RetryableError
from sqs_worker.errors import ApiError


def test_polling_goes_on_after_any_error() -> None:
    """Poller stops silently: sqs-consumer#130, #241, awspring/spring-cloud-aws#1062."""

    async def main() -> None:
        sqs, seen = standard(), list[Any]()
        troubles: list[Exception] = [
            lost("ReceiveMessage"),
            ApiError("ReceiveMessage", "AccessDenied", "no", retryable=False),
            RuntimeError("a defect"),
        ]

        def fault(operation: str, _parameters: Any) -> ApiError | None:
            if operation == "ReceiveMessage" and troubles:
                trouble = troubles.pop(0)
                if isinstance(trouble, ApiError):
                    return trouble
                raise trouble
            return None

        sqs.fault = fault

        async def handle(message: Message) -> None:
            seen.append(message.body)

        async with working(sqs, handle):
            await asyncio.sleep(60)
            sqs.send(QUEUE, "after")
            await until(lambda: seen == ["after"], 60)

    run(main())


def test_a_hanging_receive_is_given_up() -> None:
    """Poller stops silently, the answer never coming: sqs-consumer#241."""

    async def main() -> None:
        sqs, seen = standard(), list[Any]()
        original, hung = sqs._receive, list[bool]()

        async def receive(queue: Any, parameters: dict[str, Any]) -> dict[str, Any]:
            if not hung:
                hung.append(True)
                await asyncio.Event().wait()
            return await original(queue, parameters)

        sqs._receive = receive  # type: ignore[method-assign]
        sqs.send(QUEUE, "waiting")

        async def handle(message: Message) -> None:
            seen.append(message.body)

        async with working(sqs, handle):
            await until(lambda: seen == ["waiting"], 60)

    run(main())


def test_stop_leaves_nothing_in_flight_and_wastes_no_receive() -> None:
    """Shutdown strands messages: celery#8875, kombu#1835."""

    async def main() -> None:
        sqs, seen = standard(), Counter[str]()

        async def handle(message: Message) -> None:
            await asyncio.sleep(1)
            seen[message.body] += 1

        for number in range(100):
            sqs.send(QUEUE, str(number))
        async with working(sqs, handle):
            await until(lambda: len(seen) > 30)
        assert not sqs.in_flight(QUEUE)
        assert max(seen.values()) == 1
        assert all(message.receive_count == 0 for message in sqs.queues[QUEUE].messages)
        assert len(seen) + len(sqs.queues[QUEUE].messages) == 100

    run(main())


def test_a_receive_in_the_air_is_finished() -> None:
    """Cancelled long poll orphans messages: aws-sdk-go-v2#2068."""

    async def main() -> None:
        sqs, seen = standard(), list[Any]()

        async def handle(message: Message) -> None:
            seen.append(message.body)

        async with working(sqs, handle) as launcher:
            await until(lambda: sqs.receiving == 1)
            launcher.stop()
            await asyncio.sleep(5)
            sqs.send(QUEUE, "came during the drain")
        assert seen == ["came during the drain"]
        assert not sqs.queues[QUEUE].messages

    run(main())


def test_stop_stops_polling() -> None:
    """Stop does not stop polling: awspring/spring-cloud-aws#1558."""

    async def main() -> None:
        sqs = standard()
        async with working(sqs, nothing):
            await until(lambda: sqs.receiving == 1)
        before = sqs.calls["ReceiveMessage"]
        await asyncio.sleep(300)
        assert sqs.calls["ReceiveMessage"] == before
        assert sqs.receiving == 0

    run(main())


def test_a_long_handler_keeps_its_message() -> None:
    """No heartbeat: awspring/spring-cloud-aws#1554."""

    async def main() -> None:
        sqs, runs = standard(visibility=30.0), list[Any]()

        async def handle(message: Message) -> None:
            runs.append(message.receive_count)
            await asyncio.sleep(3600)

        sqs.send(QUEUE, "long")
        async with working(sqs, handle):
            await until(lambda: not sqs.queues[QUEUE].messages, 4000, step=1)
        assert runs == [1]
        assert sqs.calls["ChangeMessageVisibilityBatch"] <= 3600 / 12

    run(main())


def test_a_released_message_is_never_extended() -> None:
    """Heartbeat leaks or extends a skipped FIFO message: shoryuken#266, aws-dotnet-messaging#191."""

    async def main() -> None:
        sqs, extending = standard(visibility=10.0), asyncio.Event()
        call, tries, failures = sqs.call, list[float](), list[float]()

        async def slow_to_extend(operation: str, parameters: Mapping[str, Any], **options: Any) -> dict[str, Any]:
            if any(entry.get("VisibilityTimeout") == 10 for entry in parameters.get("Entries", ())):
                extending.set()
                await asyncio.sleep(3)  # later than a backoff that is sent meanwhile
            return await call(operation, parameters, **options)

        async def handle(_message: Message) -> None:
            tries.append(now())
            extending.clear()
            await extending.wait()
            failures.append(now())
            raise RetryableError("again", retry_after=5)

        sqs.call = slow_to_extend  # type: ignore[method-assign]
        sqs.send(QUEUE, "failing")
        async with working(sqs, handle):
            await until(lambda: bool(sqs.queues[DLQ].messages), 120)
        pauses = [again - failed for failed, again in zip(failures[:-1], tries[1:], strict=True)]
        assert len(pauses) == 2
        assert all(5 <= pause < 8 for pause in pauses), pauses

    run(main())


def test_a_failed_group_comes_back_by_its_backoff_not_by_its_visibility() -> None:
    """FIFO group stalls 15 min after a failure: awspring/spring-cloud-aws#1415."""

    async def main() -> None:
        sqs, done, failed = fifo(visibility=900.0), list[str](), list[str]()

        async def handle(message: Message) -> None:
            if message.body == "a1" and not failed:
                failed.append(message.body)
                raise RetryableError("once")
            done.append(message.body)

        for body in ("a1", "a2", "a3", "b1"):
            sqs.send(FIFO, body, group=body[0], deduplication_id=body)
        began = asyncio.get_running_loop().time()
        async with working(sqs, handle, backoff_base=2):
            await until(lambda: len(done) == 4, 30)
        assert asyncio.get_running_loop().time() - began < 60
        assert [body for body in done if body[0] == "a"] == ["a1", "a2", "a3"]
        assert done[0] == "b1"

    run(main())


def test_the_rest_of_a_failed_group_uses_up_no_receive() -> None:
    """The head is retried while the group is kept; then it is dead-lettered with its reason and the rest goes on."""

    async def main() -> None:
        sqs, done = fifo(visibility=20.0), list[Any]()
        counts: dict[str, int] = {}

        async def handle(message: Message) -> None:
            if message.body == "a1":
                raise ValueError("poison")
            done.append(message.body)
            counts[message.body] = message.receive_count

        for body in ("a1", "a2", "a3"):
            sqs.send(FIFO, body, group="a", deduplication_id=body)
        async with working(sqs, handle, backoff_base=30):
            await until(lambda: done == ["a2", "a3"], 600)
        assert counts == {"a2": 1, "a3": 1}
        (dead,) = sqs.queues[FIFO_DLQ].messages
        assert dead.body == "a1"
        assert dead.attributes["DeadLetterReason"]["StringValue"] == "ValueError: poison"

    run(main())


def test_an_expired_receipt_does_not_repeat_the_work() -> None:
    """Expired receipt on delete: sqs-consumer#83."""

    async def main() -> None:
        sqs, runs = fifo(visibility=10.0), list[Any]()
        down_until = 0.0

        def fault(operation: str, _parameters: Any) -> ApiError | None:
            if operation != "ReceiveMessage" and runs and asyncio.get_running_loop().time() < down_until:
                return lost(operation)
            return None

        async def handle(message: Message) -> None:
            nonlocal down_until
            runs.append(message.body)
            down_until = asyncio.get_running_loop().time() + 40

        sqs.fault = fault
        sqs.send(FIFO, "once", group="g", deduplication_id="1")
        async with working(sqs, handle):
            await until(lambda: not sqs.queues[FIFO].messages, 120)
        assert runs == ["once"]

    run(main())


def test_the_slowest_message_holds_up_nothing() -> None:
    """The slowest message holds its batch: sqs-consumer#73, #449."""

    async def main() -> None:
        sqs, done = standard(), list[Any]()

        async def handle(message: Message) -> None:
            await asyncio.sleep(600 if message.body == "slow" else 0.1)
            done.append(message.body)

        sqs.send(QUEUE, "slow")
        for number in range(200):
            sqs.send(QUEUE, str(number))
        async with working(sqs, handle, drain_timeout=700):
            await until(lambda: len(done) == 200, 60)
            assert "slow" not in done
        assert "slow" in done

    run(main())


def test_acknowledgements_are_flushed_at_stop() -> None:
    """Acknowledgements lost at stop: awspring/spring-cloud-aws#1654."""

    async def main() -> None:
        sqs = standard()
        async with working(sqs, nothing, flush_interval=20) as launcher:
            for number in range(7):
                sqs.send(QUEUE, str(number))
            await asyncio.sleep(1)
            assert len(sqs.queues[QUEUE].messages) == 7
            launcher.stop()
        assert not sqs.queues[QUEUE].messages

    run(main())


def test_a_message_twice_in_a_batch_is_deleted() -> None:
    """Duplicate IDs in a batch: awspring/spring-cloud-aws#1654."""

    async def main() -> None:
        sqs, runs = standard(visibility=10.0), Counter[str]()

        async def handle(message: Message) -> None:
            runs[message.body] += 1
            for stored in sqs.queues[QUEUE].messages:
                stored.visible_at = 0  # SQS delivers it again though it is in flight

            await asyncio.sleep(0.5)

        for number in range(5):
            sqs.send(QUEUE, str(number))
        async with working(sqs, handle):
            await until(lambda: not sqs.queues[QUEUE].messages, 120)
        assert max(runs.values()) == 1

    run(main())


def test_a_second_stop_and_a_hung_handler_do_not_block_the_exit() -> None:
    """Second graceful stop deadlocks, a hung worker blocks the stop: Shoryuken 7.0.3."""

    async def main() -> None:
        sqs = standard()

        async def handle(_message: Message) -> None:
            while True:
                try:
                    await asyncio.sleep(1e6)
                except asyncio.CancelledError:
                    if asyncio.get_running_loop().time() > 1e5:
                        raise

        loop = asyncio.get_running_loop()
        sqs.send(QUEUE, "hung")
        async with working(sqs, handle, drain_timeout=900, wait_time=1) as launcher:
            await asyncio.sleep(5)
            stopped_at = loop.time()
            launcher.stop()
            launcher.stop()
        assert loop.time() - stopped_at < 10
        assert not sqs.in_flight(QUEUE)
        loop.now = 2e5  # type: ignore[attr-defined]

    run(main())


def test_a_rollout_dead_letters_nothing_when_one_receive_is_all() -> None:
    """maxReceiveCount 1 dead-letters work at every rollout."""

    async def main() -> None:
        sqs, done = standard(max_receive_count=1), Counter[str]()

        async def handle(message: Message) -> None:
            await asyncio.sleep(2)
            done[message.body] += 1

        for number in range(60):
            sqs.send(QUEUE, str(number))
        while len(done) < 60:
            async with working(sqs, handle, concurrency=3, wait_time=1, drain_timeout=2.5):
                await asyncio.sleep(7)
        assert not sqs.queues[DLQ].messages
        assert set(done.values()) == {1}

    run(main())


def test_stop_gives_a_kept_group_back_whole() -> None:
    """Shutdown strands messages: what waits behind a failed head is given back with it, in order."""

    async def main() -> None:
        sqs, tried = fifo(visibility=900.0), list[str]()

        async def handle(message: Message) -> None:
            tried.append(message.body)
            raise RetryableError("not yet")

        for number in range(5):
            sqs.send(FIFO, f"a{number}", group="a", deduplication_id=str(number))
        async with working(sqs, handle, backoff_base=600, wait_time=1):
            await until(lambda: tried == ["a0"])
        assert not sqs.in_flight(FIFO)
        assert sqs.bodies(FIFO) == ["a0", "a1", "a2", "a3", "a4"]

    run(main())
