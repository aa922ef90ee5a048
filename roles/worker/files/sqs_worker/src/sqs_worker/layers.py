# SPDX-License-Identifier: GPL-3.0-or-later
"""The layers the settings put around the handler, outermost first, and the exporters beside it."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from sqs_worker import trace
from sqs_worker.emf import EmfWriter
from sqs_worker.errors import ConfigurationError
from sqs_worker.handlers.function import import_function
from sqs_worker.idempotency import Idempotency, Key, open_store
from sqs_worker.metrics import Metrics
from sqs_worker.middleware import Middleware, Next, compose
from sqs_worker.payload import PayloadStore
from sqs_worker.settings import Settings

if TYPE_CHECKING:
    from sqs_worker.telemetry import Telemetry

OTLP_SWITCH = "OTEL_EXPORTER_OTLP_ENDPOINT"


class Layers:
    """Opens what the settings ask for; raises ConfigurationError when it is not to be had."""

    def __init__(self, settings: Settings, metrics: Metrics, lock_seconds: float) -> None:
        self._telemetry = _telemetry(settings, metrics)
        self._emf: asyncio.Task[None] | None = None
        self._middleware: list[Middleware] = [trace.middleware]
        if self._telemetry is not None:
            self._middleware.append(self._telemetry.middleware)
        self._middleware.append(PayloadStore(settings.payload_bucket, settings.payload_max_bytes).middleware)
        if settings.idempotency_store is not None:
            store = open_store(settings.idempotency_store, settings.idempotency_ttl)
            queue = metrics.labels["queue"]
            layer = Idempotency(store, Key(settings.idempotency_key), lock_seconds, queue, metrics)
            self._middleware.append(layer.middleware)
        for target in settings.middleware:
            self._middleware.append(import_function(target, "SQS_WORKER_MIDDLEWARE"))
        if settings.emf_namespace is not None:
            self._emf = asyncio.create_task(EmfWriter(settings.emf_namespace, metrics).run())

    def around(self, handler: Next) -> Next:
        """The handler with every layer around it."""
        return compose(handler, self._middleware)

    async def close(self) -> None:
        """Write and export what is left."""
        if self._emf is not None:
            self._emf.cancel()
            await asyncio.wait([self._emf])
        if self._telemetry is not None:
            await asyncio.to_thread(self._telemetry.close)


def _telemetry(settings: Settings, metrics: Metrics) -> Telemetry | None:
    if not os.environ.get(OTLP_SWITCH):
        return None
    try:
        from sqs_worker.telemetry import Telemetry  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ConfigurationError(
            [f"{OTLP_SWITCH} is set, which needs the extra 'otel' (pip install 'sqs-worker[otel]'): {error}"]
        ) from error
    return Telemetry(settings.name, metrics)
