# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP side of the payment service."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, HTTPException

from storefront.database import connect, open_outbox
from storefront.messages import isoformat
from storefront.payment.settings import PaymentSettings
from storefront.payment.store import PaymentStore, UnknownPaymentError
from storefront.web import OrderId, new_app


def create_app(settings: PaymentSettings) -> FastAPI:
    """The payment service: ``GET /payments/{order_id}``, ``GET /healthz``; relays what the worker put in the outbox."""
    engine = connect(settings.database_url)
    store = PaymentStore(engine)
    outbox = open_outbox(engine)
    app = new_app("payment", engine, outbox=outbox, outbox_interval=settings.outbox_interval)

    @app.get("/payments/{order_id}")
    def get_payment(order_id: OrderId) -> dict[str, Any]:
        try:
            payment = store.get(order_id)
        except UnknownPaymentError:
            raise HTTPException(404, "there is no payment for this order") from None
        return {
            "payment_id": payment.payment_id,
            "order_id": payment.order_id,
            "status": "captured",
            "amount": payment.amount,
            "currency": payment.currency,
            "captured_at": isoformat(payment.captured_at),
            "deliveries": payment.deliveries,
        }

    return app
