# SPDX-License-Identifier: GPL-3.0-or-later
"""An HTTP service as handler."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from support.messages import MESSAGE

from sqs_worker import FatalError, RetryableError
from sqs_worker.handlers.http import HttpHandler, header_value, seconds
from sqs_worker.layers import trace


@asynccontextmanager
async def service(answer: Callable[[web.Request], Awaitable[web.Response]]) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/jobs", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/jobs"
    finally:
        await runner.cleanup()


async def post(status: int, headers: dict[str, str] | None = None, text: str = "why") -> web.Request:
    """Let an HTTP handler handle MESSAGE by a service that answers so; returns the request it saw."""
    seen: list[web.Request] = []

    async def answer(request: web.Request) -> web.Response:
        await request.text()
        seen.append(request)
        return web.Response(status=status, headers=headers, text=text)

    async with service(answer) as url:
        handler = HttpHandler(url, "application/json", (422,), 10)
        try:
            await trace.middleware(MESSAGE, handler)
        finally:
            await handler.close()
    return seen[0]


def test_a_post_has_the_headers_of_beanstalks_daemon() -> None:
    request = asyncio.run(post(200))
    headers = request.headers
    assert headers["X-Aws-Sqsd-Msgid"] == "id-1"
    assert headers["X-Aws-Sqsd-Queue"] == "orders"
    assert headers["X-Aws-Sqsd-Receive-Count"] == "2"
    assert headers["X-Aws-Sqsd-First-Received-At"] == "2023-11-14T22:13:20Z"
    assert headers["X-Aws-Sqsd-Sender-Id"] == "AIDA"
    assert headers["X-Aws-Sqsd-Attr-kind"] == "new%0Aorder %C3%98"
    assert "X-Aws-Sqsd-Attr-raw" not in headers
    assert headers["traceparent"] == "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    assert headers["X-Amzn-Trace-Id"] == "Root=1-2-3"
    assert headers["Content-Type"] == "application/json"


def test_any_2xx_acknowledges() -> None:
    for status in (200, 202, 204):
        asyncio.run(post(status))


@pytest.mark.parametrize("status", [302, 400, 404, 500, 503])
def test_other_statuses_are_tried_again(status: int) -> None:
    with pytest.raises(RetryableError, match=f"answered {status}: why") as error:
        asyncio.run(post(status))
    assert error.value.retry_after is None


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_honoured(status: int) -> None:
    with pytest.raises(RetryableError) as error:
        asyncio.run(post(status, {"Retry-After": "42"}))
    assert error.value.retry_after == 42


def test_a_fatal_status_dead_letters_with_the_answer_as_reason() -> None:
    with pytest.raises(FatalError, match="answered 422: no such order"):
        asyncio.run(post(422, text="no such order"))


def test_a_service_that_is_down_is_tried_again() -> None:
    async def main() -> None:
        handler = HttpHandler("http://127.0.0.1:9/jobs", "application/json", (), 1)
        try:
            with pytest.raises(RetryableError, match="did not answer"):
                await handler(MESSAGE)
        finally:
            await handler.close()

    asyncio.run(main())


def test_retry_after_may_be_a_date() -> None:
    moment = datetime.now(UTC) + timedelta(seconds=100)
    assert 95 < (seconds(format_datetime(moment, usegmt=True)) or 0) <= 100
    assert seconds("soon") is None
    assert seconds(None) is None


@given(st.text())
def test_a_header_value_is_always_printable_ascii(text: str) -> None:
    value = header_value(text)
    assert value.isascii()
    assert value.isprintable() or not value
