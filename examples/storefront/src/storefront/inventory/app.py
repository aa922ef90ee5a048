# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP side of the inventory service."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import FastAPI, Path

from storefront.database import connect
from storefront.inventory.settings import InventorySettings
from storefront.inventory.store import StockStore
from storefront.web import new_app


def create_app(settings: InventorySettings) -> FastAPI:
    """The inventory service: ``GET /stock/{sku}``, ``GET /healthz``; its worker reserves."""
    engine = connect(settings.database_url)
    store = StockStore(engine)
    app = new_app("inventory", engine)

    @app.get("/stock/{sku}")
    def get_stock(sku: Annotated[str, Path(pattern=r"^[A-Za-z0-9._-]{1,64}$")]) -> dict[str, Any]:
        return {"sku": sku, "reserved": store.reserved(sku)}

    return app
