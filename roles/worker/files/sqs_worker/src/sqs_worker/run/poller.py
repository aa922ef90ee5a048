# SPDX-License-Identifier: GPL-3.0-or-later
"""Receives messages: one long poll when idle, as many as the handlers can feed on when there is a backlog."""

from __future__ import annotations

import asyncio
import logging
from typing import Any
from uuid import uuid4

from sqs_worker.backoff import Backoff
from sqs_worker.batch import BATCH_SIZE
from sqs_worker.client import SqsApi
from sqs_worker.errors import ApiError
from sqs_worker.message import Message
from sqs_worker.observe.metrics import Metrics
from sqs_worker.observe.pulse import Pulse
from sqs_worker.run.breaker import Breaker
from sqs_worker.run.dispatcher import Dispatcher
from sqs_worker.run.hand import Hand
from sqs_worker.settings import Settings

log = logging.getLogger(__name__)

ANSWER_GRACE = 10.0  # seconds beyond the long poll before a receive counts as hanging
IDLE_LOOK = 1.0  # seconds between two looks at room and breaker while nothing may be received


class Pollers:
    """Grows by one with each full receive, shrinks to one with empty ones. A poller that breaks is started again."""

    def __init__(
        self,
        *,
        api: SqsApi,
        settings: Settings,
        hand: Hand,
        dispatcher: Dispatcher,
        breaker: Breaker,
        pulse: Pulse,
        metrics: Metrics,
    ) -> None:
        self._api = api
        self._settings = settings
        self._hand = hand
        self._dispatcher = dispatcher
        self._breaker = breaker
        self._pulse = pulse
        self._metrics = metrics
        self._batch = min(BATCH_SIZE, max(1, hand.capacity // 2), hand.capacity)
        self._most = settings.max_pollers or max(1, min(BATCH_SIZE, hand.capacity // self._batch))
        self._backoff = Backoff(base=0.5, maximum=20.0)
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()

    @property
    def running(self) -> int:
        """Receive loops running."""
        return len(self._tasks)

    async def run(self) -> None:
        """Receive until ``stop``; returns once the receives in the air have been answered and handed on."""
        self._start()
        while self._tasks:
            done, _unused = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
            self._tasks -= done
            for task in done:
                if not task.cancelled() and task.exception() is not None:
                    log.critical("a poller broke and is started again", exc_info=task.exception())
                    await asyncio.sleep(self._backoff.delay(1))
            if not self._tasks and not self._stopping.is_set():
                self._start()

    def stop(self) -> None:
        """Send no new receive. Those in the air are not cancelled: their messages would be stranded until their
        visibility times out (aws-sdk-go-v2#2068)."""
        self._stopping.set()

    def abandon(self) -> None:
        """Cancel the receives in the air, when there is no time left to wait for them."""
        self.stop()
        for task in self._tasks:
            task.cancel()

    def _start(self) -> None:
        self._tasks.add(asyncio.create_task(self._poll()))

    async def _poll(self) -> None:
        attempt_id, errors = str(uuid4()), 0
        while not self._stopping.is_set():
            if self._breaker.is_open and len(self._tasks) > 1:
                return
            size = self._allowed()
            if not size:
                self._pulse.alive()  # handlers are busy or the breaker is open: not receiving is in order
                await self._hand.changed(IDLE_LOOK)
                continue
            self._hand.reserve(size)
            try:
                messages = await self._receive(size, attempt_id)
                self._metrics.received.inc(len(messages))
            except ApiError as error:
                errors += 1
                delay = self._backoff.delay(errors)
                log.warning("receive failed, next try in %.1f s: %s", delay, error)
                self._pulse.failed_poll(str(error))
                await self._pause(delay)
                continue
            finally:
                self._hand.unreserve(size)
            attempt_id, errors = str(uuid4()), 0
            self._pulse.polled()
            self._dispatcher.submit(messages)
            if len(messages) == size and len(self._tasks) < self._most and not self._stopping.is_set():
                self._start()
            elif not messages and len(self._tasks) > 1:
                return

    def _allowed(self) -> int:
        """How many messages may be asked for now; 0 for none."""
        if self._breaker.is_open:
            return 1 if self._dispatcher.wants_fresh_probe() and self._hand.room() >= 1 else 0
        return self._batch if self._hand.room() >= self._batch else 0

    async def _receive(self, size: int, attempt_id: str) -> list[Message]:
        settings = self._settings
        # The first answer makes the worker ready: on an empty queue a long poll would keep whoever waits for it.
        wait_time = settings.wait_time if self._pulse.has_polled else 0
        parameters: dict[str, Any] = {
            "QueueUrl": settings.queue_url,
            "MaxNumberOfMessages": size,
            "WaitTimeSeconds": wait_time,
            "MessageAttributeNames": ["All"],
            "MessageSystemAttributeNames": ["All"],
        }
        if settings.visibility_timeout is not None:
            parameters["VisibilityTimeout"] = settings.visibility_timeout
        if settings.fifo:
            # After a lost answer the same attempt ID brings the same messages, instead of a group blocked till timeout.
            parameters["ReceiveRequestAttemptId"] = attempt_id
        response = await self._api.call("ReceiveMessage", parameters, timeout=wait_time + ANSWER_GRACE)
        return [Message.from_response(raw, settings.queue_url) for raw in response.get("Messages") or ()]

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return
