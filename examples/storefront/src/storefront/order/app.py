# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP side of the order service."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import FastAPI, Header, HTTPException, Response
from sqlalchemy.engine import Connection

from storefront.database import connect, open_outbox
from storefront.messages import OrderCreated, StockRequested, isoformat, serialise
from storefront.order.settings import OrderSettings
from storefront.order.store import Order, OrderConflictError, OrderRequest, OrderStore, UnknownOrderError
from storefront.web import OrderId, new_app

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[\x21-\x7e]{1,128}$",
        description="repeat a request with the same key and no second order is made",
    ),
]


def create_app(settings: OrderSettings) -> FastAPI:
    """The order service: ``POST /orders``, ``GET /orders/{id}``, ``GET /healthz``."""
    engine = connect(settings.database_url)
    store = OrderStore(engine)
    outbox = open_outbox(engine)
    app = new_app("order", engine, outbox=outbox, outbox_interval=settings.outbox_interval)

    def announce(connection: Connection, placed: OrderCreated) -> None:
        outbox.add(connection, settings.order_queue_url, serialise(placed))
        if settings.inventory_queue_url:
            stock = StockRequested(order_id=placed.order_id, items=placed.items, created_at=placed.created_at)
            outbox.add(connection, settings.inventory_queue_url, serialise(stock))

    @app.post("/orders", status_code=201)
    def place_order(
        request: OrderRequest, response: Response, idempotency_key: IdempotencyKey = None
    ) -> dict[str, Any]:
        try:
            order, created = store.place(request, idempotency_key, announce)
        except OrderConflictError:
            raise HTTPException(422, "this Idempotency-Key was used with another order") from None
        if not created:
            response.status_code = 200
        response.headers["Location"] = f"/orders/{order.order_id}"
        return _document(order)

    @app.get("/orders/{order_id}")
    def get_order(order_id: OrderId) -> dict[str, Any]:
        try:
            return _document(store.get(order_id))
        except UnknownOrderError:
            raise HTTPException(404, "there is no such order") from None

    return app


def _document(order: Order) -> dict[str, Any]:
    return {
        "order_id": order.order_id,
        "status": order.status,
        "total": order.total,
        "currency": order.currency,
        "created_at": isoformat(order.created_at),
        "payment_id": order.payment_id,
        "paid_at": isoformat(order.paid_at),
    }
