# SPDX-License-Identifier: GPL-3.0-or-later
"""What the worker counts, in one registry that every exporter reads."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

DURATION_BUCKETS = (0.005, 0.025, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300)


class Metrics:
    """The worker's counters; one instance a worker, labelled by worker and queue once and for all."""

    def __init__(self, worker: str, queue_url: str) -> None:
        self.registry = CollectorRegistry()
        self.labels = {"worker": worker, "queue": queue_url.rpartition("/")[2]}
        self._api_calls = Counter(
            "sqs_worker_api_calls",
            "Calls to SQS, by operation and result",
            (*self.labels, "operation", "result"),
            registry=self.registry,
        )
        self.received = self._counter("received", "Messages received")
        self.handled = self._counter("handled", "Handler runs that succeeded")
        self.deleted = self._counter("deleted", "Messages whose delete SQS has confirmed")
        self.failed = self._counter("failed", "Handler runs that failed and will be repeated")
        self.dead_lettered = self._counter("dead_lettered", "Messages sent to the dead-letter queue with their reason")
        self.released = self._counter("released", "Messages given back without having been tried")
        self.duplicates = self._counter("duplicates", "Deliveries of a message already in hand or already handled")
        self.extended = self._counter("visibility_extended", "Visibility extensions of messages in hand")
        self.undeleted = self._counter("undeleted", "Handled messages whose delete failed for good")
        self.in_hand = self._gauge("in_hand", "Messages received and not yet settled")
        self.running = self._gauge("running", "Handlers running")
        self.pollers = self._gauge("pollers", "Receive loops running")
        self.breaker_open = self._gauge("breaker_open", "1 while the circuit breaker keeps the worker from receiving")
        self.last_poll = self._gauge("last_poll_timestamp_seconds", "When a receive last succeeded, Unix time")
        self.duration = Histogram(
            "sqs_worker_handler_duration_seconds",
            "Time a handler took",
            self.labels,
            buckets=DURATION_BUCKETS,
            registry=self.registry,
        ).labels(**self.labels)

    def _counter(self, name: str, text: str) -> Counter:
        return Counter(f"sqs_worker_{name}", text, self.labels, registry=self.registry).labels(**self.labels)

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(f"sqs_worker_{name}", text, self.labels, registry=self.registry).labels(**self.labels)

    def api_call(self, operation: str, result: str) -> None:
        """Count a call to SQS; ``result`` is ``ok`` or AWS's error code."""
        self._api_calls.labels(**self.labels, operation=operation, result=result).inc()

    def totals(self) -> Iterator[tuple[str, str, float]]:
        """Name, kind (``counter`` or ``gauge``) and value of each metric without labels of its own.

        Of a histogram, its sum and count, as counters.
        """
        for metric in self.registry.collect():
            for sample in metric.samples:
                if set(sample.labels) == set(self.labels) and not sample.name.endswith("_created"):
                    kind = "gauge" if metric.type == "gauge" else "counter"
                    yield sample.name.removeprefix("sqs_worker_"), kind, sample.value
