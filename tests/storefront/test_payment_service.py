# SPDX-License-Identifier: GPL-3.0-or-later
"""The payment service: one payment for each order, whatever is delivered."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi.testclient import TestClient
from storefront_support import CUSTOMER, TOTAL, Aws, message, order_created, relay

from sqs_worker import FatalError
from storefront.database import connect, open_outbox
from storefront.payment.app import create_app
from storefront.payment.handler import OrderHandler
from storefront.payment.settings import PaymentSettings
from storefront.payment.store import PaymentStore


@pytest.fixture
def client(database_url: str, aws: Aws) -> TestClient:
    settings = PaymentSettings(
        database_url=database_url,
        payment_queue_url=aws.queues["payment"],
        notification_queue_url=aws.queues["notification"],
    )
    return TestClient(create_app(settings))


def new_handler(database_url: str, aws: Aws) -> OrderHandler:
    engine = connect(database_url)
    queues = {f"{queue}_queue_url": aws.queues[queue] for queue in ("payment", "notification")}
    return OrderHandler(PaymentStore(engine), open_outbox(engine), **queues)


def test_an_order_is_paid_and_both_messages_leave(client: TestClient, database_url: str, aws: Aws) -> None:
    new_handler(database_url, aws).handle(message(order_created()))
    payment = client.get("/payments/order-1").json()
    assert (payment["status"], payment["amount"], payment["deliveries"]) == ("captured", TOTAL, 1)

    assert relay(database_url) == 2
    (event,) = aws.receive("payment")
    assert (event["body"]["payment_id"], event["body"]["order_id"]) == (payment["payment_id"], "order-1")
    assert (event["MessageGroupId"], event["MessageDeduplicationId"]) == ("order-1", payment["payment_id"])
    (notification,) = aws.receive("notification")
    assert (notification["body"]["notification_id"], notification["body"]["customer"]) == (
        payment["payment_id"],
        CUSTOMER,
    )


def test_a_redelivered_order_is_paid_once(client: TestClient, database_url: str, aws: Aws) -> None:
    handler = new_handler(database_url, aws)
    handler.handle(message(order_created()))
    first = client.get("/payments/order-1").json()
    for number in range(4):
        handler.handle(message(order_created(), f"m-{number}"))
    assert client.get("/payments/order-1").json() == first | {"deliveries": 5}
    assert relay(database_url) == 2


def test_concurrent_duplicates_are_paid_once(client: TestClient, database_url: str, aws: Aws) -> None:
    handlers = [new_handler(database_url, aws) for _unused in range(4)]  # engines of their own, as in several processes
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda number: handlers[number % 4].handle(message(order_created())), range(40)))
    assert client.get("/payments/order-1").json()["deliveries"] == 40
    assert relay(database_url) == 2
    assert len(aws.receive("payment")) == 1


def test_a_paid_order_that_comes_with_another_sum_is_fatal(client: TestClient, database_url: str, aws: Aws) -> None:
    handler = new_handler(database_url, aws)
    handler.handle(message(order_created()))
    before = client.get("/payments/order-1").json()
    with pytest.raises(FatalError, match="order order-1 is paid already, with another sum"):
        handler.handle(message(order_created(total=1)))
    assert client.get("/payments/order-1").json() == before


def test_an_order_that_is_not_paid_is_not_found(client: TestClient) -> None:
    assert client.get("/payments/order-1").status_code == 404
