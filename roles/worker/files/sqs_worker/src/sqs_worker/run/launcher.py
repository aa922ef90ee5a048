# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts a worker's parts, and drains them when told to stop."""

from __future__ import annotations

import asyncio
import logging
import signal

from sqs_worker import handlers
from sqs_worker.client import AioSqs, SqsApi
from sqs_worker.observe.health import HealthServer
from sqs_worker.observe.metrics import Metrics
from sqs_worker.observe.note import Note
from sqs_worker.observe.pulse import Pulse, notify_systemd
from sqs_worker.run.assembly import Parts, assemble
from sqs_worker.run.queue_facts import wait_for_queue
from sqs_worker.run.stack import Stack
from sqs_worker.settings import Settings

log = logging.getLogger(__name__)

SETTLE_TIME = 5.0  # seconds for the last deletes and give-backs, beyond the drain's deadline
CONNECTIONS = 100  # to SQS at the most; only as many are opened as are used at a time


class Launcher:
    """One worker: ``run`` returns when it has drained. ``stop`` may be called from a signal handler, again to hurry."""

    def __init__(
        self, settings: Settings, *, handler: handlers.Handler | None = None, api: SqsApi | None = None
    ) -> None:
        """``handler`` and ``api`` are made from the settings when left out."""
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
        note = Note(settings.note_directory, settings.name)
        pulse = Pulse(settings.wait_time, metrics, note)
        health = HealthServer(settings.health_address, pulse, metrics)
        handler = self._handler or handlers.load(settings)
        api = self._api or AioSqs(CONNECTIONS, metrics)
        try:
            note.begin()
            await health.start()
            facts = await wait_for_queue(api, settings, pulse, self._stop)
            if facts is None:
                return
            stack = Stack(settings, metrics, lock_seconds=facts.visibility_timeout / 2)
            parts = assemble(
                settings=settings,
                facts=facts,
                api=api,
                handler=handler,
                handle=stack.around(handler),
                pulse=pulse,
                metrics=metrics,
                note=note,
            )
            health.busy = lambda: parts.hand.room() < 1
            log.info("%s started on %s: %s", settings.name, settings.queue_url, settings.handler)
            await self._work(parts, pulse)
            await stack.close()
        finally:
            note.end()
            await health.stop()
            await handler.close()
            await api.close()

    async def _work(self, parts: Parts, pulse: Pulse) -> None:
        loop = asyncio.get_running_loop()
        background = [
            loop.create_task(parts.heartbeat.run()),
            loop.create_task(parts.runs.enforce_deadline()),
        ]
        polling = loop.create_task(parts.pollers.run())
        try:
            await self._stop.wait()
            pulse.draining = True
            notify_systemd("STOPPING=1")
            await self._drain(parts, polling)
        finally:
            for task in background:
                task.cancel()

    async def _drain(self, parts: Parts, polling: asyncio.Task[None]) -> None:
        loop, timeout = asyncio.get_running_loop(), self._settings.drain_timeout
        began = loop.time()
        log.info("draining for at most %g s", timeout)
        parts.pollers.stop()
        hurry = loop.create_task(self._hurry.wait())
        await asyncio.wait({polling, hurry}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        if not polling.done():
            parts.pollers.abandon()
            await polling
        hurry.cancel()
        await parts.dispatcher.drain(max(0.0, began + timeout - loop.time()), self._hurry)
        await asyncio.wait({loop.create_task(parts.acknowledger.drain())}, timeout=SETTLE_TIME)
        log.info("drained in %.1f s", loop.time() - began)
