# SPDX-License-Identifier: GPL-3.0-or-later
"""The order service over HTTP, and its worker."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from fastapi.testclient import TestClient
from storefront_support import CUSTOMER, ITEMS, TOTAL, Aws, message, relay

from sqs_worker import FatalError, RetryableError
from storefront.database import connect
from storefront.order.app import create_app
from storefront.order.handler import PaymentEventHandler
from storefront.order.settings import OrderSettings
from storefront.order.store import OrderStore

REQUEST: dict[str, Any] = {"customer": CUSTOMER, "items": ITEMS, "currency": "SGD"}


@pytest.fixture
def client(database_url: str, aws: Aws) -> TestClient:
    settings = OrderSettings(
        database_url=database_url, order_queue_url=aws.queues["order"], inventory_queue_url=aws.queues["inventory"]
    )
    return TestClient(create_app(settings))


@pytest.fixture
def handler(database_url: str) -> PaymentEventHandler:
    return PaymentEventHandler(OrderStore(connect(database_url)))


def payment(order_id: str, **changes: object) -> dict[str, Any]:
    return {
        "type": "payment.captured",
        "payment_id": "payment-1",
        "order_id": order_id,
        "amount": TOTAL,
        "currency": "SGD",
        "captured_at": "2026-11-25T02:00:01Z",
    } | changes


def test_an_order_is_stored_and_announced_to_payment_and_inventory(
    client: TestClient, database_url: str, aws: Aws
) -> None:
    answer = client.post("/orders", json=REQUEST)
    order = answer.json()
    assert answer.status_code == 201
    assert client.get(answer.headers["Location"]).json() == order
    assert (order["status"], order["total"], order["currency"]) == ("pending", TOTAL, "SGD")

    assert client.get("/healthz").json()["messages_to_send"] == 2
    assert relay(database_url) == 2
    (announced,) = aws.receive("order")
    assert announced["body"]["order_id"] == order["order_id"]
    assert announced["body"]["customer"] == CUSTOMER
    (requested,) = aws.receive("inventory")
    assert (requested["body"]["order_id"], requested["body"]["items"]) == (order["order_id"], ITEMS)


def test_without_an_inventory_queue_only_payment_is_told(sqlite_url: str, aws: Aws) -> None:
    client = TestClient(create_app(OrderSettings(database_url=sqlite_url, order_queue_url=aws.queues["order"])))
    client.post("/orders", json=REQUEST)
    assert relay(sqlite_url) == 1


def test_a_repeated_request_with_the_same_key_makes_one_order(client: TestClient, database_url: str) -> None:
    key = {"Idempotency-Key": "try-1"}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _unused: client.post("/orders", json=REQUEST, headers=key), range(8)))
    assert len({answer.json()["order_id"] for answer in answers}) == 1
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    assert relay(database_url) == 2

    other = client.post("/orders", json=REQUEST | {"currency": "EUR"}, headers=key)
    assert other.status_code == 422
    assert "Idempotency-Key" in other.json()["detail"]


def test_orders_without_a_key_are_orders_of_their_own(client: TestClient) -> None:
    ids = {client.post("/orders", json=REQUEST).json()["order_id"] for _unused in range(3)}
    assert len(ids) == 3


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"items": []}, "body.items"),
        ({"items": [{"sku": "TEA-1", "quantity": 0, "unit_price": 1}]}, "body.items.0.quantity"),
        ({"items": [{"sku": "TEA-1", "quantity": 1, "unit_price": 0}]}, "body"),
        ({"items": [{"sku": "TEA-1", "quantity": 1000, "unit_price": 10**9}] * 100}, "body"),
        ({"currency": "sgd"}, "body.currency"),
        ({"customer": {"name": "A\r\nBcc: x", "email": "a@b.example"}}, "body.customer.name"),
        ({"customer": {"name": "A", "email": "a@b.example\r\nBcc: x@y.example"}}, "body.customer.email"),
        ({"customer": {"name": "A", "email": "a@b.example", "phone": "12"}}, "body.customer.phone"),
        ({"surprise": 1}, "body.surprise"),
    ],
)
def test_a_wrong_order_is_refused_by_field(
    client: TestClient, database_url: str, change: dict[str, Any], field: str
) -> None:
    answer = client.post("/orders", json=REQUEST | change)
    assert answer.status_code == 422
    assert field in {problem["field"] for problem in answer.json()["detail"]}
    assert relay(database_url) == 0


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422),
        (b"{", 422),
        (b'{"currency": NaN}', 422),
        (b'{"currency": "\\ud800"}', 422),
        (b"\xff\xfe", 422),
        (b"[" * 100_000, 400),
        (b'"' + b"x" * 300_000 + b'"', 413),
    ],
)
def test_a_body_that_is_no_order_is_refused_and_does_not_crash(
    sqlite_url: str, aws: Aws, body: bytes, status: int
) -> None:
    client = TestClient(create_app(OrderSettings(database_url=sqlite_url, order_queue_url=aws.queues["order"])))
    answer = client.post("/orders", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == status


def test_an_unknown_order_is_not_found(client: TestClient) -> None:
    assert client.get("/orders/nothing").status_code == 404
    assert client.get("/orders/" + "x" * 65).status_code == 422


def test_a_payment_event_marks_the_order_paid_however_often_it_comes(
    client: TestClient, handler: PaymentEventHandler
) -> None:
    order_id = client.post("/orders", json=REQUEST).json()["order_id"]
    for _unused in range(3):
        handler.handle(message(payment(order_id)))
    order = client.get(f"/orders/{order_id}").json()
    assert (order["status"], order["payment_id"], order["paid_at"]) == (
        "paid",
        "payment-1",
        "2026-11-25T02:00:01.000+00:00",
    )


def test_an_event_for_an_order_that_is_not_known_yet_is_tried_again(handler: PaymentEventHandler) -> None:
    with pytest.raises(RetryableError, match="order order-9 is not known"):
        handler.handle(message(payment("order-9")))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"amount": 1}, "not the order's total"),
        ({"currency": "EUR"}, "not the order's total"),
        ({"payment_id": "payment-2"}, "paid already by payment payment-1"),
        ({"captured_at": "yesterday"}, "captured_at"),
    ],
)
def test_an_event_that_does_not_fit_is_fatal_and_changes_nothing(
    client: TestClient, handler: PaymentEventHandler, change: dict[str, Any], reason: str
) -> None:
    order_id = client.post("/orders", json=REQUEST).json()["order_id"]
    handler.handle(message(payment(order_id)))
    before = client.get(f"/orders/{order_id}").json()
    with pytest.raises(FatalError, match=reason):
        handler.handle(message(payment(order_id, **change)))
    assert client.get(f"/orders/{order_id}").json() == before


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_database_that_went_away_is_told(client: TestClient, database_url: str) -> None:
    assert client.get("/healthz").json() == {"service": "order", "status": "ok", "messages_to_send": 0}
    name = urlsplit(database_url).path.strip("/")
    with psycopg.connect(urlsplit(database_url)._replace(path="/postgres").geturl(), autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false")
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])

    health = client.get("/healthz")
    assert (health.status_code, health.json()["status"]) == (503, "failing")
    order = client.post("/orders", json=REQUEST)
    assert (order.status_code, order.headers["Retry-After"]) == (503, "1")
