# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps messages in hand invisible, in batches, up to SQS's cap of 12 hours from the receive."""

from __future__ import annotations

import asyncio
import logging

from sqs_worker.backoff import MAX_VISIBILITY
from sqs_worker.batch import call_batch, chunks
from sqs_worker.client import SqsApi
from sqs_worker.observe.metrics import Metrics
from sqs_worker.run.job import Job

log = logging.getLogger(__name__)


class Heartbeat:
    """Extends each watched job once half of its visibility has passed, so that one lost call is made good in time."""

    def __init__(self, api: SqsApi, queue_url: str, visibility: float, metrics: Metrics) -> None:
        self._api = api
        self._queue_url = queue_url
        self._visibility = visibility
        self._metrics = metrics
        self._jobs: set[Job] = set()
        self._extending: dict[Job, asyncio.Task[None]] = {}

    @property
    def tick(self) -> float:
        """Seconds between two looks at the jobs in hand."""
        return max(0.1, min(10.0, self._visibility / 10))

    def watch(self, job: Job) -> None:
        """Keep this job's message invisible from now on."""
        self._jobs.add(job)

    async def release(self, job: Job) -> None:
        """Stop extending, and wait for an extension in the air.

        Only then may another visibility be set: a late extension would overwrite it and block the message, or its
        FIFO group, for a whole visibility timeout (shoryuken#266, aws-dotnet-messaging#191).
        """
        self.forget(job)
        extension = self._extending.get(job)
        if extension is not None:
            await asyncio.wait([extension])

    def forget(self, job: Job) -> None:
        """Stop extending a message that is gone from the queue."""
        self._jobs.discard(job)

    async def run(self) -> None:
        """Extend until cancelled."""
        while True:
            await asyncio.sleep(self.tick)
            now = asyncio.get_running_loop().time()
            due = [job for job in self._jobs if job not in self._extending and self._is_due(job, now)]
            for batch in chunks(due):
                task = asyncio.create_task(self._extend(list(batch), now))
                for job in batch:
                    self._extending[job] = task

    def _is_due(self, job: Job, now: float) -> bool:
        if now >= job.received_at + MAX_VISIBILITY:
            log.warning("message %s is delivered again: 12 hours in hand is SQS's limit", job.message.message_id)
            self._jobs.discard(job)
            return False
        cap = job.received_at + MAX_VISIBILITY
        return job.invisible_until - now <= self._visibility / 2 and job.invisible_until < cap

    async def _extend(self, batch: list[Job], now: float) -> None:
        try:
            timeouts = [int(min(self._visibility, job.received_at + MAX_VISIBILITY - now)) for job in batch]
            outcome = await call_batch(
                self._api,
                "ChangeMessageVisibilityBatch",
                self._queue_url,
                [
                    {"ReceiptHandle": job.message.receipt_handle, "VisibilityTimeout": timeout}
                    for job, timeout in zip(batch, timeouts, strict=True)
                ],
            )
            for job, timeout, failure in zip(batch, timeouts, outcome, strict=True):
                if failure is None:
                    job.invisible_until = now + timeout
                    self._metrics.extended.inc()
                elif not failure.retryable:
                    self._jobs.discard(job)
                    if not job.finished:
                        log.warning(
                            "message %s cannot be kept invisible and may be delivered again: %s %s",
                            job.message.message_id,
                            failure.code,
                            failure.message,
                        )
        finally:
            for job in batch:
                self._extending.pop(job, None)
