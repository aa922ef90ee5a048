# SPDX-License-Identifier: GPL-3.0-or-later
"""Settles messages with SQS: deletes, delays and dead-letters them, in batches, failed entries again."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable
from typing import Any

from sqs_worker.backoff import MAX_VISIBILITY, Backoff
from sqs_worker.batch import Failure, call_batch
from sqs_worker.client import SqsApi
from sqs_worker.errors import ApiError
from sqs_worker.observe.metrics import Metrics
from sqs_worker.observe.note import Note
from sqs_worker.run.batcher import Batcher
from sqs_worker.run.dead_letter import dead_letter
from sqs_worker.run.hand import Hand
from sqs_worker.run.heartbeat import Heartbeat
from sqs_worker.run.job import Job

log = logging.getLogger(__name__)

ENTRY_RETRY = Backoff(base=0.2, maximum=10.0)
LEAST_TRIES = 3


class Acknowledger:
    """Takes a job over from the dispatcher and lets it go once SQS has confirmed."""

    def __init__(
        self,
        *,
        api: SqsApi,
        queue_url: str,
        dead_letter_queue_url: str | None,
        hand: Hand,
        heartbeat: Heartbeat,
        metrics: Metrics,
        note: Note,
        flush_interval: float,
    ) -> None:
        self._api = api
        self._queue_url = queue_url
        self._dead_letter_queue_url = dead_letter_queue_url
        self._hand = hand
        self._heartbeat = heartbeat
        self._metrics = metrics
        self._note = note
        self._deletes: Batcher[Job] = Batcher(self._send_deletes, flush_interval)
        self._delays: Batcher[tuple[Job, float]] = Batcher(self._send_delays, flush_interval)

    def delete(self, job: Job) -> None:
        """The message was handled: delete it. It is kept invisible until SQS has confirmed the delete."""
        self._hand.finish(job)
        job.handled = True
        self._deletes.add(job)

    def delay(self, job: Job, seconds: float) -> None:
        """The message goes back to the queue and is visible again after ``seconds``."""
        self._hand.finish(job)
        self._delays.add((job, seconds))

    async def dead_letter(self, job: Job, reason: str) -> bool:
        """Send a copy with its reason to the dead-letter queue, then delete the message.

        False, and nothing changed, when the copy could not be sent: the message is then still the caller's.
        """
        if self._dead_letter_queue_url is None:
            return False
        try:
            copy = dead_letter(job.message, reason, self._queue_url, self._dead_letter_queue_url)
            await self._api.call("SendMessage", copy, attempts=LEAST_TRIES)
        except ApiError as error:
            log.warning("message %s could not be sent to the dead-letter queue: %s", job.message.message_id, error)
            return False
        self._metrics.dead_lettered.inc()
        self.delete(job)
        return True

    async def drain(self) -> None:
        """Settle everything taken over so far."""
        await asyncio.gather(self._deletes.drain(), self._delays.drain())

    async def _send_deletes(self, jobs: list[Job]) -> None:
        def deleted(job: Job) -> None:
            self._heartbeat.forget(job)
            self._metrics.deleted.inc()
            if job.message.canary is not None:
                self._note.canary(job.message.canary)
            self._hand.let_go(job)

        def undeleted(job: Job, failure: Failure) -> None:
            self._heartbeat.forget(job)
            self._metrics.undeleted.inc()
            log.warning(
                "message %s was handled but not deleted, and may be delivered again: %s %s",
                job.message.message_id,
                failure.code,
                failure.message,
            )
            self._hand.let_go(job, handled_but_there=True)

        await self._settle("DeleteMessageBatch", jobs, lambda _job: {}, deleted, undeleted)

    async def _send_delays(self, items: list[tuple[Job, float]]) -> None:
        until = {job: asyncio.get_running_loop().time() + seconds for job, seconds in items}
        for job in until:
            await self._heartbeat.release(job)

        def entry(job: Job) -> dict[str, Any]:
            now = asyncio.get_running_loop().time()
            longest = job.received_at + MAX_VISIBILITY - now
            return {"VisibilityTimeout": max(0, math.ceil(min(until[job] - now, longest)))}

        def undelayed(job: Job, failure: Failure) -> None:
            log.info("message %s comes back by itself: %s %s", job.message.message_id, failure.code, failure.message)
            self._hand.let_go(job)

        await self._settle("ChangeMessageVisibilityBatch", list(until), entry, self._hand.let_go, undelayed)

    async def _settle(
        self,
        operation: str,
        jobs: list[Job],
        entry: Callable[[Job], dict[str, Any]],
        settled: Callable[[Job], None],
        refused: Callable[[Job, Failure], None],
    ) -> None:
        """Repeat failed entries for as long as the message is invisible, so still this worker's to settle."""
        tries = 0
        while jobs:
            tries += 1
            outcome = await call_batch(
                self._api,
                operation,
                self._queue_url,
                [{"ReceiptHandle": job.message.receipt_handle, **entry(job)} for job in jobs],
            )
            pause = ENTRY_RETRY.delay(tries)
            again_at = asyncio.get_running_loop().time() + pause
            again = []
            for job, failure in zip(jobs, outcome, strict=True):
                if failure is None:
                    settled(job)
                elif failure.retryable and (tries < LEAST_TRIES or again_at < job.invisible_until):
                    again.append(job)
                else:
                    refused(job, failure)
            jobs = again
            if jobs:
                await asyncio.sleep(pause)
