# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenTelemetry (OTLP), as Datadog, New Relic and others take it: metrics and spans. Extra ``otel``.

Switched on by OpenTelemetry's own variable OTEL_EXPORTER_OTLP_ENDPOINT; headers such as API keys come from
OTEL_EXPORTER_OTLP_HEADERS, and so on: the SDK reads them itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Tracer

from sqs_worker.observe.metrics import Metrics


class Telemetry:
    """Exports the worker's metrics, and the spans made with ``tracer``, over OTLP."""

    def __init__(self, worker: str, metrics: Metrics) -> None:
        resource = Resource.create({SERVICE_NAME: worker})
        self._tracer_provider = TracerProvider(resource=resource)
        self._tracer_provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self.tracer: Tracer = self._tracer_provider.get_tracer("sqs_worker")
        reader = PeriodicExportingMetricReader(OTLPMetricExporter())
        self._meter_provider = MeterProvider(metric_readers=[reader], resource=resource)
        meter = self._meter_provider.get_meter("sqs_worker")
        for name, kind, _unused in metrics.totals():
            create = meter.create_observable_gauge if kind == "gauge" else meter.create_observable_counter
            create(f"sqs_worker.{name}", callbacks=[_observer(metrics, name)])

    def close(self) -> None:
        """Export what is left; blocks for as long as OpenTelemetry's own timeouts allow."""
        self._tracer_provider.shutdown()
        self._meter_provider.shutdown()


def _observer(metrics: Metrics, name: str) -> Callable[[CallbackOptions], Iterable[Observation]]:
    def observe(_options: CallbackOptions) -> Iterable[Observation]:
        return [Observation(value, metrics.labels) for found, _unused, value in metrics.totals() if found == name]

    return observe
