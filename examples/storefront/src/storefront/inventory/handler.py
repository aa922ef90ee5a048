# SPDX-License-Identifier: GPL-3.0-or-later
"""What the inventory service does with an order's items."""

from __future__ import annotations

from sqs_worker import Message
from storefront.inventory.store import StockStore
from storefront.messages import StockRequested, parse


class StockHandler:
    """Reserves stock."""

    def __init__(self, store: StockStore) -> None:
        self._store = store

    def handle(self, message: Message) -> None:
        """Reserve the items of one order, once however often its message is delivered.

        :raises FatalError: the message is malformed.
        """
        self._store.reserve(parse(StockRequested, message))
