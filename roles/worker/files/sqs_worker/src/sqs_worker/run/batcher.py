# SPDX-License-Identifier: GPL-3.0-or-later
"""Collects items and sends them on in batches: when ten are there, after a short time, or on demand."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from sqs_worker.batch import BATCH_SIZE

Item = TypeVar("Item")


class Batcher(Generic[Item]):
    """``send`` gets lists of at most ten items, several at a time, and must not raise."""

    def __init__(self, send: Callable[[list[Item]], Awaitable[None]], interval: float) -> None:
        self._send = send
        self._interval = interval
        self._items: list[Item] = []
        self._timer: asyncio.TimerHandle | None = None
        self._sending: set[asyncio.Future[None]] = set()

    def add(self, item: Item) -> None:
        """Put an item into the next batch."""
        self._items.append(item)
        if len(self._items) >= BATCH_SIZE:
            self._flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._interval, self._flush)

    async def drain(self) -> None:
        """Send what is there, and wait until everything is sent."""
        while self._items or self._sending:
            self._flush()
            if self._sending:
                await asyncio.wait(self._sending)

    def _flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._items:
            sending = asyncio.ensure_future(self._send(self._items))
            self._items = []
            self._sending.add(sending)
            sending.add_done_callback(self._sending.discard)
