# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a worker on the model of SQS in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from sqs_worker.errors import ApiError
from sqs_worker.handlers.base import Handler
from sqs_worker.handlers.function import AsyncFunction
from sqs_worker.message import Message
from sqs_worker.run.launcher import Launcher
from sqs_worker.settings import Settings
from support.fakesqs import FakeSqs, Queue

QUEUE = "https://sqs.example/1/orders"
DLQ = "https://sqs.example/1/dlq"
FIFO = "https://sqs.example/1/payments.fifo"
FIFO_DLQ = "https://sqs.example/1/dlq.fifo"

Handle = Callable[[Message], Awaitable[Any]]


async def nothing(_message: Message) -> None:
    """A handler that does nothing."""


def lost(operation: str) -> ApiError:
    """A call whose answer does not come."""
    return ApiError(operation, "ConnectionError", "connection reset", retryable=True)


def standard(**attributes: Any) -> FakeSqs:
    """A standard queue with its dead-letter queue; three receives."""
    return FakeSqs(_queue(QUEUE, DLQ, attributes), Queue(DLQ))


def fifo(**attributes: Any) -> FakeSqs:
    """A FIFO queue with its dead-letter queue; three receives."""
    return FakeSqs(_queue(FIFO, FIFO_DLQ, attributes), Queue(FIFO_DLQ))


def _queue(url: str, dead_letter_url: str, attributes: dict[str, Any]) -> Queue:
    queue = Queue(url, max_receive_count=3, dead_letter_url=dead_letter_url)
    for name, value in attributes.items():
        setattr(queue, name, value)
    return queue


def settings(sqs: FakeSqs, **values: Any) -> Settings:
    """Settings for the model's first queue."""
    urls = list(sqs.queues)
    return Settings(**({"queue_url": urls[0], "dead_letter_queue_url": urls[1], "handler": "python:a:b"} | values))


@asynccontextmanager
async def working(sqs: FakeSqs, handle: Handle, **values: Any) -> AsyncIterator[Launcher]:
    """A running worker; stopped at the end, within its drain timeout. ``handle``: a Handler or a coroutine function."""
    handler = handle if isinstance(handle, Handler) else AsyncFunction(handle)
    launcher = Launcher(settings(sqs, **values), handler=handler, api=sqs)
    running = asyncio.create_task(launcher.run())
    try:
        yield launcher
        if running.done():
            await running
    finally:
        launcher.stop()
        await running


async def until(condition: Callable[[], bool], seconds: float = 3600.0, step: float = 0.05) -> None:
    """Wait until the condition holds, looking every ``step`` seconds; an AssertionError after ``seconds``."""
    loop = asyncio.get_running_loop()
    give_up_at = loop.time() + seconds
    while not condition():
        assert loop.time() < give_up_at, f"still not so after {seconds} s"
        await asyncio.sleep(step)
