# SPDX-License-Identifier: GPL-3.0-or-later
"""/healthz, /readyz and /metrics over HTTP."""

from __future__ import annotations

import os
from collections.abc import Callable

from aiohttp import web
from prometheus_client import exposition

from sqs_worker.errors import ConfigurationError
from sqs_worker.observe.metrics import Metrics
from sqs_worker.observe.pulse import Pulse


class HealthServer:
    """Answers 200 or 503 with the reason in words; not served without an address.

    ``busy`` tells whether handlers leave no room to receive, so that not receiving is in order.
    """

    def __init__(self, address: str | None, pulse: Pulse, metrics: Metrics) -> None:
        self.busy: Callable[[], bool] = lambda: False
        self._address = address
        self._pulse = pulse
        self._metrics = metrics
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen; raises ConfigurationError when the address is not to be had."""
        if self._address is None:
            return
        app = web.Application()
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/readyz", self._readyz)
        app.router.add_get("/metrics", self._metrics_page)
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False)
        await self._runner.setup()
        host, _unused, port = self._address.rpartition(":")
        try:
            await web.TCPSite(self._runner, host.strip("[]"), int(port), shutdown_timeout=1.0).start()
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno is not None and error.errno > 0 else str(error)
            raise ConfigurationError(
                [f"SQS_WORKER_HEALTH_ADDRESS: {self._address}: {reason}; choose a free port"]
            ) from error

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _healthz(self, _request: web.Request) -> web.Response:
        return _answer(self._pulse.stalled())

    async def _readyz(self, _request: web.Request) -> web.Response:
        return _answer(self._pulse.unready(busy=self.busy()))

    async def _metrics_page(self, _request: web.Request) -> web.Response:
        page = exposition.generate_latest(self._metrics.registry)
        return web.Response(body=page, headers={"Content-Type": exposition.CONTENT_TYPE_LATEST})


def _answer(trouble: str | None) -> web.Response:
    return web.Response(status=503 if trouble else 200, text=f"{trouble or 'ok'}\n")
