# SPDX-License-Identifier: GPL-3.0-or-later
"""``sqs-worker status``: a live view of a running worker and its queue, in a terminal."""

from __future__ import annotations

import time
from typing import Any

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from sqs_worker.client import SqsApi
from sqs_worker.errors import ApiError
from sqs_worker.settings import Settings

DEPTHS = {
    "ApproximateNumberOfMessages": "visible",
    "ApproximateNumberOfMessagesNotVisible": "in flight",
    "ApproximateNumberOfMessagesDelayed": "delayed",
}
RATES = ("received", "handled", "failed", "deleted", "dead_lettered", "released", "duplicates", "api_calls")
GAUGES = ("running", "in_hand", "pollers", "breaker_open")
TIMEOUT = aiohttp.ClientTimeout(total=5)


class View:
    """Reads the worker's health address and the queue's attributes; remembers the last look, for rates."""

    def __init__(self, settings: Settings, api: SqsApi) -> None:
        self._settings = settings
        self._api = api
        self._last: dict[str, float] = {}
        self._last_at = 0.0

    async def lines(self) -> list[str]:
        """The view as lines of text."""
        settings = self._settings
        lines = [f"{settings.name}  {settings.handler}", *await self._queue(settings.queue_url)]
        if settings.dead_letter_queue_url is not None:
            lines += await self._queue(settings.dead_letter_queue_url)
        return lines + await self._worker()

    async def _queue(self, url: str) -> list[str]:
        name = url.rpartition("/")[2]
        try:
            answer = await self._api.call("GetQueueAttributes", {"QueueUrl": url, "AttributeNames": list(DEPTHS)})
        except ApiError as error:
            return [f"queue {name}: {error}"]
        attributes = answer.get("Attributes", {})
        depths = ", ".join(f"{attributes.get(key, '?')} {text}" for key, text in DEPTHS.items())
        return [f"queue {name}: {depths}"]

    async def _worker(self) -> list[str]:
        address = self._settings.health_address
        if address is None:
            return ["worker: SQS_WORKER_HEALTH_ADDRESS is not set, so a running worker cannot be asked"]
        try:
            async with aiohttp.ClientSession(timeout=TIMEOUT) as session:
                async with session.get(f"http://{address}/readyz") as response:
                    ready = (await response.text()).strip()
                async with session.get(f"http://{address}/metrics") as response:
                    values = totals(await response.text())
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return [f"worker: nothing answers on {address}: {error}; is it running?"]
        now = time.monotonic()
        lines = [f"worker: {'ready' if ready == 'ok' else 'not ready: ' + ready}"]
        lines += [f"  {name.replace('_', ' '):<14} {values.get(name, 0):>12,.0f}" for name in GAUGES]
        for name in RATES:
            rate = (values.get(name, 0) - self._last[name]) / (now - self._last_at) if name in self._last else None
            lines.append(
                f"  {name.replace('_', ' '):<14} {values.get(name, 0):>12,.0f}"
                + (f"  {rate:>10,.1f}/s" if rate is not None else "")
            )
        runs = values.get("handler_duration_seconds_count", 0)
        if runs:
            mean = values["handler_duration_seconds_sum"] / runs
            lines.append(f"  {'mean handler':<14} {1000 * mean:>12,.1f} ms")
        self._last, self._last_at = {name: values.get(name, 0) for name in RATES}, now
        return lines


def totals(page: str) -> dict[str, float]:
    """The worker's metrics on a page of Prometheus text, summed over their labels, without prefix and suffix."""
    values: dict[str, float] = {}
    family: Any
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            if sample.name.startswith("sqs_worker_") and not sample.name.endswith(("_bucket", "_created")):
                name = sample.name.removeprefix("sqs_worker_").removesuffix("_total")
                values[name] = values.get(name, 0.0) + sample.value
    return values
