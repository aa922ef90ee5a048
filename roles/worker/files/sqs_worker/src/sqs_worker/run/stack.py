# SPDX-License-Identifier: GPL-3.0-or-later
"""The layers the settings put around the handler, outermost first, and the exporters beside it."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from sqs_worker.errors import ConfigurationError
from sqs_worker.handlers.function import import_function
from sqs_worker.idempotency import open_store
from sqs_worker.layers import trace
from sqs_worker.layers.idempotency import Idempotency, Key
from sqs_worker.layers.middleware import Middleware, Next, compose
from sqs_worker.layers.payload import PayloadStore
from sqs_worker.observe.emf import EmfWriter
from sqs_worker.observe.metrics import Metrics
from sqs_worker.settings import Settings

if TYPE_CHECKING:
    from sqs_worker.layers.span import Span
    from sqs_worker.observe.telemetry import Telemetry

OTLP_SWITCH = "OTEL_EXPORTER_OTLP_ENDPOINT"


class Stack:
    """Opens what the settings ask for; raises ConfigurationError when it is not to be had."""

    def __init__(self, settings: Settings, metrics: Metrics, lock_seconds: float) -> None:
        self._telemetry: Telemetry | None = None
        self._emf: asyncio.Task[None] | None = None
        self._middleware: list[Middleware] = [trace.middleware]
        if os.environ.get(OTLP_SWITCH):
            self._telemetry, span = _telemetry(settings, metrics)
            self._middleware.append(span.middleware)
        self._middleware.append(PayloadStore(settings.payload_bucket, settings.payload_max_bytes).middleware)
        if settings.idempotency_store is not None:
            store = open_store(settings.idempotency_store, settings.idempotency_ttl)
            key, queue = Key(settings.idempotency_key), metrics.labels["queue"]
            layer = Idempotency(store, key, lock_seconds, queue, metrics)
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


def _telemetry(settings: Settings, metrics: Metrics) -> tuple[Telemetry, Span]:
    try:
        from sqs_worker.layers.span import Span  # noqa: PLC0415 - an extra
        from sqs_worker.observe.telemetry import Telemetry  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ConfigurationError(
            [f"{OTLP_SWITCH} is set, which needs the extra 'otel' (pip install 'sqs-worker[otel]'): {error}"]
        ) from error
    telemetry = Telemetry(settings.name, metrics)
    return telemetry, Span(telemetry.tracer, metrics.labels["queue"])
