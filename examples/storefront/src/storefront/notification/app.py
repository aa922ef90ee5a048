# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP side of the notification service."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, HTTPException

from storefront.database import connect
from storefront.messages import isoformat
from storefront.notification.settings import NotificationSettings
from storefront.notification.store import SendingStore
from storefront.web import OrderId, new_app


def create_app(settings: NotificationSettings) -> FastAPI:
    """The notification service: ``GET /notifications/{order_id}``, ``GET /healthz``; its worker sends."""
    engine = connect(settings.database_url)
    store = SendingStore(engine, lease=settings.lease)
    app = new_app("notification", engine)

    @app.get("/notifications/{order_id}")
    def get_notifications(order_id: OrderId) -> dict[str, Any]:
        found = store.of_order(order_id)
        if not found:
            raise HTTPException(404, "there is no notification about this order")
        return {
            "order_id": order_id,
            "notifications": [
                {
                    "channel": sending.channel,
                    "status": sending.status,
                    "attempts": sending.attempts,
                    "reference": sending.reference,
                    "error": sending.error,
                    "sent_at": isoformat(sending.sent_at),
                }
                for sending in found
            ],
        }

    return app
