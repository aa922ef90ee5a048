# SPDX-License-Identifier: GPL-3.0-or-later
"""The messages in hand: how many more fit, and which deliveries are repetitions."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable

from sqs_worker.message import Message
from sqs_worker.observe.metrics import Metrics
from sqs_worker.run.job import Job

REMEMBERED = 10_000  # handled messages whose delete failed; enough for hours of a failing endpoint
UNDELETED_LIMIT = 1_000  # handled messages that may wait for their delete before receiving stops


class Hand:
    """Jobs from their receive until their message is deleted, delayed or given back."""

    def __init__(self, capacity: int, visibility: float, metrics: Metrics) -> None:
        self.capacity = capacity
        self._visibility = visibility
        self._metrics = metrics
        self._jobs: dict[str, Job] = {}
        self._unfinished = 0
        self._reserved = 0
        self._handled: OrderedDict[str, None] = OrderedDict()
        self._changed = asyncio.Event()

    @property
    def jobs(self) -> Iterable[Job]:
        """All jobs in hand."""
        return tuple(self._jobs.values())

    @property
    def unfinished(self) -> int:
        """Jobs whose handler has not run to its end."""
        return self._unfinished

    def room(self) -> int:
        """Messages that may still be asked for."""
        if len(self._jobs) - self._unfinished > UNDELETED_LIMIT:
            return 0
        return self.capacity - self._unfinished - self._reserved

    def reserve(self, count: int) -> None:
        """Set room aside for a receive; give it back by ``unreserve`` whatever the receive brings."""
        self._reserved += count

    def unreserve(self, count: int) -> None:
        """Give reserved room back."""
        self._reserved -= count
        self._wake()

    async def changed(self, timeout: float) -> None:
        """Wait until room may have become free, or ``timeout`` seconds."""
        self._changed.clear()
        try:
            async with asyncio.timeout(timeout):
                await self._changed.wait()
        except TimeoutError:
            return

    def take(self, message: Message, now: float) -> tuple[Job, bool]:
        """The job of a delivered message, and whether its handler is to be run.

        A message that is in hand, or was handled but could not be deleted, is a repetition: its job goes on with the
        newer receipt handle, since the older one may have expired (sqs-consumer#83).
        """
        job = self._jobs.get(message.message_id)
        if job is not None:
            self._metrics.duplicates.inc()
            job.message.receipt_handle = message.receipt_handle
            job.received_at, job.invisible_until = now, now + self._visibility
            return job, False
        job = Job(message, now, now + self._visibility)
        self._jobs[message.message_id] = job
        if message.message_id in self._handled:
            self._metrics.duplicates.inc()
            job.finished = job.handled = True
            return job, False
        self._unfinished += 1
        return job, True

    def finish(self, job: Job) -> None:
        """The handler has run to its end, or never will: the job makes room for another."""
        if not job.finished:
            job.finished = True
            self._unfinished -= 1
            self._wake()

    def let_go(self, job: Job, *, handled_but_there: bool = False) -> None:
        """The message is deleted or back in the queue; remember it when it was handled but is still there."""
        self.finish(job)
        self._jobs.pop(job.message.message_id, None)
        if handled_but_there:
            self._handled[job.message.message_id] = None
            while len(self._handled) > REMEMBERED:
                self._handled.popitem(last=False)
        else:
            self._handled.pop(job.message.message_id, None)
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
