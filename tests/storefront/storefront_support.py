# SPDX-License-Identifier: GPL-3.0-or-later
"""An embedded AWS with the storefront's queues, and messages as they come from them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import boto3

from sqs_worker import Message
from sqs_worker.outbox import Outbox
from storefront.database import connect

REGION = "ap-southeast-1"


@dataclass(frozen=True)
class Aws:
    """An embedded AWS with the storefront's queues."""

    endpoint: str
    prefix: str
    queues: dict[str, str]

    def client(self, service: str) -> Any:
        """A boto3 client for it."""
        return boto3.client(service, region_name=REGION, endpoint_url=self.endpoint)  # type: ignore[call-overload]

    def receive(self, queue: str) -> list[dict[str, Any]]:
        """Take everything from a queue: bodies with their FIFO attributes."""
        sqs = self.client("sqs")
        taken: list[dict[str, Any]] = []
        while batch := sqs.receive_message(
            QueueUrl=self.queues[queue], MaxNumberOfMessages=10, AttributeNames=["All"]
        ).get("Messages"):
            for message in batch:
                sqs.delete_message(QueueUrl=self.queues[queue], ReceiptHandle=message["ReceiptHandle"])
                taken.append({"body": json.loads(message["Body"]), **message["Attributes"]})
        return taken


def relay(database_url: str) -> int:
    """Send what is in a service's outbox; returns how many messages."""
    engine = connect(database_url)
    sent = Outbox(engine).relay_once()
    engine.dispose()
    return sent


def message(body: object, message_id: str = "m-1") -> Message:
    """A message as a handler gets it; ``body`` is JSON data, or text to be taken as it is."""
    return Message(body if isinstance(body, str) else json.dumps(body), message_id)


CUSTOMER = {"name": "Ada Example", "email": "ada@shop.example", "phone": "+6580000001"}
ITEMS = [{"sku": "TEA-1", "quantity": 2, "unit_price": 1450}, {"sku": "CUP", "quantity": 1, "unit_price": 2290}]
TOTAL = 5190


def order_created(**changes: object) -> dict[str, Any]:
    """The body of an order message."""
    return {
        "type": "order.created",
        "order_id": "order-1",
        "customer": CUSTOMER,
        "items": ITEMS,
        "total": TOTAL,
        "currency": "SGD",
        "created_at": "2026-11-25T02:00:00Z",
    } | changes


def notification_requested(**changes: object) -> dict[str, Any]:
    """The body of a notification message."""
    return {
        "type": "notification.requested",
        "notification_id": "notification-1",
        "order_id": "order-1",
        "customer": CUSTOMER,
        "amount": TOTAL,
        "currency": "SGD",
        "paid_at": "2026-11-25T02:00:01Z",
    } | changes
