# SPDX-License-Identifier: GPL-3.0-or-later
"""Receiving: one poller when idle, as many as handlers can feed on with a backlog; in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from support.harness import FIFO, QUEUE, fifo, nothing, standard, until, working
from support.virtual import now, run

from sqs_worker import Message
from sqs_worker.errors import ApiError


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
