# SPDX-License-Identifier: GPL-3.0-or-later
"""CloudWatch embedded metric format: the counters as log lines that the CloudWatch agent turns into metrics."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

from sqs_worker.observe.metrics import Metrics

INTERVAL = 60.0  # seconds; CloudWatch's standard resolution


class EmfWriter:
    """Writes a line a minute: counters as what was added since the last line, gauges as they are."""

    def __init__(self, namespace: str, metrics: Metrics) -> None:
        self._namespace = namespace
        self._metrics = metrics
        self._before: dict[str, float] = {}

    async def run(self) -> None:
        """Write until cancelled, and a last time then."""
        try:
            while True:
                await asyncio.sleep(INTERVAL)
                self._write()
        finally:
            self._write()

    def line(self, now: float) -> dict[str, Any]:
        """The next line (CloudWatch user guide, embedded metric format specification)."""
        values = {}
        for name, kind, value in self._metrics.totals():
            values[name] = value - self._before.get(name, 0.0) if kind == "counter" else value
            if kind == "counter":
                self._before[name] = value
        return {
            "_aws": {
                "Timestamp": int(now * 1000),
                "CloudWatchMetrics": [
                    {
                        "Namespace": self._namespace,
                        "Dimensions": [sorted(self._metrics.labels)],
                        "Metrics": [
                            {"Name": name, "Unit": "Seconds" if "seconds" in name else "Count"} for name in values
                        ],
                    }
                ],
            },
            **self._metrics.labels,
            **values,
        }

    def _write(self) -> None:
        print(json.dumps(self.line(time.time())), file=sys.stdout, flush=True)
