# SPDX-License-Identifier: GPL-3.0-or-later
"""What the HTTP side of every service has in common: health, refusals, a bound on what is read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from typing import Annotated

import sqlalchemy as sa
from fastapi import FastAPI, Path, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.engine import Engine
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sqs_worker.outbox import Outbox
from storefront import __version__
from storefront.database import reading

LARGEST_REQUEST_BYTES = 262_144

OrderId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$", description="an order's identifier")]


def new_app(service: str, engine: Engine, *, outbox: Outbox | None = None, outbox_interval: float = 0.2) -> FastAPI:
    """An application with ``GET /healthz``, which relays the outbox as long as it runs and tells how full it is.

    :param service: its name in the API's title and in the health answer.
    :param outbox: the service's outbox, when it sends messages.
    :param outbox_interval: seconds between two looks into the outbox.
    """

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        with outbox.relay(interval=outbox_interval) if outbox else nullcontext():
            yield

    app = FastAPI(title=f"Storefront: {service}", version=__version__, lifespan=lifespan)
    app.add_middleware(_BoundedBody)
    app.add_exception_handler(RequestValidationError, _refuse)
    app.add_exception_handler(SQLAlchemyError, _database_unavailable)

    @app.get("/healthz")
    def healthz() -> JSONResponse:
        try:
            with reading(engine).begin() as connection:
                connection.execute(sa.select(1))
            pending = {"messages_to_send": outbox.pending()} if outbox else {}
        except SQLAlchemyError as error:
            return JSONResponse(
                {"service": service, "status": "failing", "database": type(error).__name__}, status_code=503
            )
        return JSONResponse({"service": service, "status": "ok", **pending})

    return app


def _refuse(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    # Without the values: what was sent may not even be JSON that can be sent back (NaN, half of a surrogate pair).
    problems = [{"field": ".".join(map(str, e["loc"])), "problem": e["msg"]} for e in error.errors()[:20]]
    return JSONResponse({"detail": problems}, status_code=422)


def _database_unavailable(_request: Request, error: Exception) -> JSONResponse:
    return JSONResponse(
        {"detail": f"the database does not answer ({type(error).__name__}); try again"},
        status_code=503,
        headers={"Retry-After": "1"},
    )


class _BoundedBody:
    """Refuses a request body above LARGEST_REQUEST_BYTES while it is being read, whatever its headers claim."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        received = 0

        async def bounded() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > LARGEST_REQUEST_BYTES:
                raise HTTPException(413, f"the request is larger than {LARGEST_REQUEST_BYTES} bytes")
            return message

        await self._app(scope, bounded, send)
