# SPDX-License-Identifier: GPL-3.0-or-later
"""CloudWatch's embedded metrics."""

from __future__ import annotations

from sqs_worker.observe.emf import EmfWriter
from sqs_worker.observe.metrics import Metrics


def test_embedded_metrics_are_differences_of_counters() -> None:
    metrics = Metrics("w", "https://sqs.example/1/orders")
    writer = EmfWriter("Shop", metrics)
    metrics.handled.inc(3)
    first = writer.line(1_700_000_000.5)
    metrics.handled.inc(2)
    second = writer.line(1_700_000_060.5)
    assert (first["handled_total"], second["handled_total"]) == (3, 2)
    (directive,) = first["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "Shop"
    assert directive["Dimensions"] == [["queue", "worker"]]
    assert {metric["Name"] for metric in directive["Metrics"]} <= set(first)
    assert (first["queue"], first["worker"], first["_aws"]["Timestamp"]) == ("orders", "w", 1_700_000_000_500)
