# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""What became of the orders: the databases of the services, the mails, and the queues."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import boto3
import psycopg

from storefront.demo import MailSink

SETTLE_SECONDS = 420  # a message that a worker let go of comes back within its visibility timeout of 300 s
QUEUES = ("ecommerce-order-queue", "ecommerce-payment-queue.fifo", "ecommerce-notification-queue")
DEAD_LETTER_QUEUES = ("ecommerce-dlq", "ecommerce-dlq.fifo")


@dataclass
class Books:
    """Reads them again with every look."""

    shared: Path
    mails: Counter[str] = field(default_factory=Counter)
    payments: Counter[str] = field(default_factory=Counter)
    paid: set[str] = field(default_factory=set)
    orders: int = 0

    def __post_init__(self) -> None:
        self._url = (self.shared / "database-url").read_text()
        self._sink = MailSink(self.shared / "mails")

    def look(self) -> None:
        """Read what is there now."""
        self.mails.update(self._sink.new_order_ids())
        self.payments = Counter(order for (order,) in self._select("payment", "SELECT order_id FROM payments"))
        rows = self._select("order", "SELECT order_id, payment_id FROM orders")
        self.orders = len(rows)
        self.paid = {order for order, payment in rows if payment}

    def await_all(self, placed: Iterable[str]) -> None:
        """Look until each order is paid, marked so and mailed, or the time is over."""
        deadline = time.monotonic() + SETTLE_SECONDS
        self.look()
        while self.lost(placed) and time.monotonic() < deadline:
            time.sleep(1)
            self.look()

    def lost(self, placed: Iterable[str]) -> set[str]:
        """The orders that are not paid, not marked so, or not mailed."""
        return {
            order for order in placed if not (order in self.payments and order in self.paid and order in self.mails)
        }

    def _select(self, service: str, query: str) -> list[tuple[str, ...]]:
        with psycopg.connect(f"{self._url}/{service}") as connection:
            return connection.execute(query.encode()).fetchall()


def messages_in(names: Iterable[str]) -> int:
    """How many messages wait or are in flight in these queues."""
    client = boto3.client("sqs", region_name=os.environ["AWS_REGION"])
    attributes = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = 0
    for name in names:
        url = client.get_queue_url(QueueName=name)["QueueUrl"]
        known = client.get_queue_attributes(QueueUrl=url, AttributeNames=attributes)["Attributes"]
        found += sum(int(known[attribute]) for attribute in attributes)
    return found


def left_in(names: Iterable[str]) -> int:
    """How many messages stay in these queues; waited for as long as one may be invisible."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while (found := messages_in(names)) and time.monotonic() < deadline:
        time.sleep(0.5)
    return found
