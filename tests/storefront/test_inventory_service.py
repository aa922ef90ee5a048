# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory service: stock is reserved once for each order."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi.testclient import TestClient
from storefront_support import ITEMS, message

from sqs_worker import FatalError
from storefront.database import connect
from storefront.inventory.app import create_app
from storefront.inventory.handler import StockHandler
from storefront.inventory.settings import InventorySettings
from storefront.inventory.store import StockStore


def request(order_id: str, items: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "stock.requested", "order_id": order_id, "items": items, "created_at": "2026-11-25T02:00:00Z"}


@pytest.fixture
def client(database_url: str) -> TestClient:
    return TestClient(create_app(InventorySettings(database_url=database_url)))


def test_concurrent_and_repeated_orders_reserve_once_each(client: TestClient, database_url: str) -> None:
    handler = StockHandler(StockStore(connect(database_url)))
    requests = [request(f"order-{n}", ITEMS if n % 2 else ITEMS[::-1]) for n in range(10)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(handler.handle, [message(body) for body in requests * 3]))
    assert client.get("/stock/TEA-1").json() == {"sku": "TEA-1", "reserved": 20}
    assert client.get("/stock/CUP").json() == {"sku": "CUP", "reserved": 10}
    assert client.get("/stock/UNKNOWN").json()["reserved"] == 0


def test_the_same_article_on_two_lines_counts_twice(client: TestClient, database_url: str) -> None:
    StockHandler(StockStore(connect(database_url))).handle(message(request("order-1", [ITEMS[0], ITEMS[0]])))
    assert client.get("/stock/TEA-1").json()["reserved"] == 4


def test_a_malformed_request_is_fatal(database_url: str) -> None:
    with pytest.raises(FatalError, match=r"items\.0\.quantity"):
        StockHandler(StockStore(connect(database_url))).handle(
            message(request("order-1", [{"sku": "A", "quantity": -1, "unit_price": 0}]))
        )
