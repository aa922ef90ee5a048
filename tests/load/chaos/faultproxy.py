# SPDX-License-Identifier: GPL-3.0-or-later
"""A proxy in front of an SQS emulator that does what networks and services do: throttle, fail, reset, stall, vanish.

It also delivers messages a second time, as a standard queue may: copies of earlier deliveries in later receives.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter, deque
from typing import Any

import aiohttp
from aiohttp import web

STALL = 3.0  # seconds
THROTTLED = {"__type": "com.amazonaws.sqs#RequestThrottled", "message": "Rate exceeded"}


class FaultProxy:
    """``rates`` maps a fault to its probability a call; ``down`` resets every connection while it is set."""

    def __init__(self, upstream: str, rates: dict[str, float], seed: int) -> None:
        self.faults: Counter[str] = Counter()
        self.rates = rates
        self.down = False
        self._upstream = upstream
        self._random = random.Random(seed)
        self._seen: dict[str, deque[dict[str, Any]]] = {}
        self._runner: web.AppRunner | None = None
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> str:
        """Listen on loopback; returns the endpoint."""
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        app = web.Application(client_max_size=20_000_000)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0, shutdown_timeout=0.5).start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()
        if self._session is not None:
            await self._session.close()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        fault = self._choose()
        refusal = self._refusal(request, fault)
        if refusal is not None:
            return refusal
        assert self._session is not None
        headers = {name: value for name, value in request.headers.items() if name.lower() not in ("content-length",)}
        try:
            async with self._session.post(self._upstream, data=body, headers=headers) as answer:
                status, payload = answer.status, await answer.read()
        except aiohttp.ClientError:
            return self._reset(request)
        if self.down or fault == "reset after":
            self._count("reset after")
            return self._reset(request)
        if fault == "stall":
            self._count(fault)
            await asyncio.sleep(STALL)
        if request.headers.get("X-Amz-Target", "").endswith("ReceiveMessage") and status == 200:
            payload = self._with_duplicates(json.loads(body), payload, duplicate=fault == "duplicate")
        if fault == "half":
            self._count(fault)
            return await self._half(request, payload)
        return web.Response(status=status, body=payload, content_type="application/x-amz-json-1.0")

    def _refusal(self, request: web.Request, fault: str) -> web.Response | None:
        """The answer of a call that never reaches the service."""
        if self.down or fault == "reset before":
            self._count("down" if self.down else fault)
            return self._reset(request)
        if fault == "throttle":
            self._count(fault)
            return web.json_response(THROTTLED, status=400)
        if fault == "500":
            self._count(fault)
            return web.Response(status=500, text="<html>Internal Failure</html>")
        return None

    def _choose(self) -> str:
        roll = self._random.random()
        for fault, rate in self.rates.items():
            roll -= rate
            if roll < 0:
                return fault
        return ""

    def _with_duplicates(self, call: dict[str, Any], payload: bytes, *, duplicate: bool) -> bytes:
        document = json.loads(payload)
        messages = document.get("Messages") or []
        seen = self._seen.setdefault(call["QueueUrl"], deque(maxlen=200))
        if duplicate and seen and len(messages) < call.get("MaxNumberOfMessages", 1):
            self._count("duplicate")
            document["Messages"] = [*messages, self._random.choice(seen)]
            payload = json.dumps(document).encode()
        seen.extend(messages)
        return payload

    def _count(self, fault: str) -> None:
        self.faults[fault] += 1

    @staticmethod
    def _reset(request: web.Request) -> web.Response:
        if request.transport is not None:
            request.transport.abort()
        return web.Response()

    @staticmethod
    async def _half(request: web.Request, payload: bytes) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(len(payload) + 10)})
        await response.prepare(request)
        await response.write(payload[: len(payload) // 2])
        if request.transport is not None:
            request.transport.abort()
        return response
