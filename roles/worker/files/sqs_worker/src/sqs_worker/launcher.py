# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts the parts together, starts them, and drains them when told to stop."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
from dataclasses import dataclass

from sqs_worker import handlers
from sqs_worker.acknowledger import Acknowledger
from sqs_worker.backoff import Backoff
from sqs_worker.batch import BATCH_SIZE
from sqs_worker.breaker import Breaker
from sqs_worker.client import AioSqs, SqsApi
from sqs_worker.dispatcher import Dispatcher, Rules
from sqs_worker.errors import ApiError, ConfigurationError
from sqs_worker.hand import Hand
from sqs_worker.health import HealthServer
from sqs_worker.heartbeat import Heartbeat
from sqs_worker.layers import Layers
from sqs_worker.limits import RateLimit
from sqs_worker.metrics import Metrics
from sqs_worker.poller import Pollers
from sqs_worker.pulse import Pulse, notify_systemd
from sqs_worker.settings import Settings

log = logging.getLogger(__name__)

SETTLE_TIME = 5.0  # seconds for the last deletes and give-backs, beyond the drain's deadline
DEFAULT_VISIBILITY = 30  # seconds; SQS's own default, when the queue's cannot be read


@dataclass(frozen=True, slots=True)
class QueueFacts:
    """What the worker needs to know of its queue."""

    visibility_timeout: float
    max_receive_count: int | None


async def read_queue(api: SqsApi, queue_url: str, *, attempts: int = 5) -> QueueFacts:
    """Read the queue's attributes; raises ApiError."""
    response = await api.call(
        "GetQueueAttributes",
        {"QueueUrl": queue_url, "AttributeNames": ["VisibilityTimeout", "RedrivePolicy"]},
        attempts=attempts,
    )
    attributes = response.get("Attributes") or {}
    redrive = json.loads(attributes.get("RedrivePolicy") or "{}")
    return QueueFacts(
        float(attributes.get("VisibilityTimeout", DEFAULT_VISIBILITY)),
        int(redrive["maxReceiveCount"]) if "maxReceiveCount" in redrive else None,
    )


class Launcher:
    """One worker: ``run`` returns when it has drained. ``stop`` may be called from a signal handler, again to hurry."""

    def __init__(
        self, settings: Settings, *, handler: handlers.Handler | None = None, api: SqsApi | None = None
    ) -> None:
        self._settings = settings
        self._handler = handler
        self._api = api
        self._stop = asyncio.Event()
        self._hurry = asyncio.Event()

    def stop(self) -> None:
        """Drain; called a second time, give everything back without waiting for handlers."""
        if self._stop.is_set():
            self._hurry.set()
        self._stop.set()

    async def run(self) -> None:
        """Work until stopped; raises ConfigurationError when it cannot work at all."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        settings = self._settings
        metrics = Metrics(settings.name, settings.queue_url)
        handler = self._handler or handlers.load(settings)
        api = self._api or AioSqs(connections=100, metrics=metrics)
        try:
            pulse = Pulse(settings.wait_time, metrics)
            facts = await self._queue_facts(api, pulse)
            if facts is not None:
                await self._work(api, handler, facts, pulse, metrics)
        finally:
            await handler.close()
            await api.close()

    async def _queue_facts(self, api: SqsApi, pulse: Pulse) -> QueueFacts | None:
        """The queue's attributes, waited for while the endpoint does not answer; None when stopped before."""
        settings, backoff, tries = self._settings, Backoff(base=1.0, maximum=20.0), 0
        while not self._stop.is_set():
            try:
                facts = await read_queue(api, settings.queue_url, attempts=1)
            except ApiError as error:
                if error.code in ("QueueDoesNotExist", "NonExistentQueue"):
                    raise ConfigurationError([f"SQS_WORKER_QUEUE_URL: there is no such queue: {error}"]) from error
                if not error.retryable:
                    log.warning("queue attributes cannot be read, SQS's defaults are assumed: %s", error)
                    return QueueFacts(float(settings.visibility_timeout or DEFAULT_VISIBILITY), None)
                tries += 1
                pulse.failed_poll(str(error))
                log.warning("queue attributes cannot be read yet: %s", error)
                await _first(self._stop.wait(), timeout=backoff.delay(tries))
            else:
                visibility = float(settings.visibility_timeout or facts.visibility_timeout)
                return QueueFacts(visibility, facts.max_receive_count)
        return None

    async def _work(
        self, api: SqsApi, handler: handlers.Handler, facts: QueueFacts, pulse: Pulse, metrics: Metrics
    ) -> None:
        settings, clock = self._settings, asyncio.get_running_loop().time
        prefetch = settings.prefetch
        if prefetch is None:
            # With a single receive, giving a prefetched message back would dead-letter it unseen.
            prefetch = 0 if facts.max_receive_count == 1 else min(BATCH_SIZE, settings.concurrency)
        layers = Layers(settings, metrics, lock_seconds=facts.visibility_timeout / 2)
        hand = Hand(settings.concurrency + prefetch, facts.visibility_timeout, metrics)
        heartbeat = Heartbeat(api, settings.queue_url, facts.visibility_timeout, metrics)
        acknowledger = Acknowledger(
            api=api,
            queue_url=settings.queue_url,
            dead_letter_queue_url=settings.dead_letter_queue_url,
            hand=hand,
            heartbeat=heartbeat,
            metrics=metrics,
            flush_interval=settings.flush_interval,
        )
        pause = Backoff(settings.breaker_pause, settings.breaker_pause_max)
        breaker = Breaker(settings.breaker_threshold, pause, clock)
        rules = Rules(
            fifo=settings.fifo,
            concurrency=settings.concurrency,
            deadline=settings.deadline,
            max_receive_count=facts.max_receive_count,
            breaker_hold=settings.breaker_hold,
        )
        dispatcher = Dispatcher(
            handler=handler,
            handle=layers.around(handler),
            hand=hand,
            acknowledger=acknowledger,
            heartbeat=heartbeat,
            breaker=breaker,
            rate=RateLimit(settings.rate, clock),
            backoff=Backoff(settings.backoff_base, settings.backoff_max),
            metrics=metrics,
            rules=rules,
        )
        health = None
        if settings.health_address is not None:
            health = HealthServer(settings.health_address, pulse, metrics, busy=lambda: hand.room() < 1)
            await health.start()
        pollers = Pollers(
            api=api, settings=settings, hand=hand, dispatcher=dispatcher, breaker=breaker, pulse=pulse, metrics=metrics
        )
        metrics.in_hand.set_function(lambda: hand.unfinished)
        metrics.running.set_function(lambda: dispatcher.running)
        metrics.pollers.set_function(lambda: pollers.running)
        background = [asyncio.create_task(heartbeat.run()), asyncio.create_task(dispatcher.enforce_deadline())]
        polling = asyncio.create_task(pollers.run())
        log.info("%s started on %s: %s", settings.name, settings.queue_url, settings.handler)
        try:
            await self._stop.wait()
            await self._drain(pollers, polling, dispatcher, acknowledger, pulse)
        finally:
            for task in background:
                task.cancel()
            await layers.close()
            if health is not None:
                await health.stop()

    async def _drain(
        self,
        pollers: Pollers,
        polling: asyncio.Task[None],
        dispatcher: Dispatcher,
        acknowledger: Acknowledger,
        pulse: Pulse,
    ) -> None:
        loop, settings = asyncio.get_running_loop(), self._settings
        began = loop.time()
        log.info("draining for at most %g s", settings.drain_timeout)
        notify_systemd("STOPPING=1")
        pulse.draining = True
        pollers.stop()
        hurry = asyncio.create_task(self._hurry.wait())
        await asyncio.wait({polling, hurry}, timeout=settings.drain_timeout, return_when=asyncio.FIRST_COMPLETED)
        if not polling.done():
            pollers.abandon()
            await polling
        await dispatcher.drain(max(0.0, began + settings.drain_timeout - loop.time()), self._hurry)
        hurry.cancel()
        await _first(acknowledger.drain(), timeout=SETTLE_TIME)
        log.info("drained in %.1f s", loop.time() - began)


async def _first(awaitable: object, timeout: float) -> None:
    """Await for at most ``timeout`` seconds."""
    try:
        async with asyncio.timeout(timeout):
            await awaitable  # type: ignore[misc]
    except TimeoutError:
        return
