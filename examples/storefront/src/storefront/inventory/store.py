# SPDX-License-Identifier: GPL-3.0-or-later
"""Stock in the database."""

from __future__ import annotations

from collections import Counter

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from storefront.database import UtcDateTime, create_tables, insert, now, reading
from storefront.messages import StockRequested

metadata = sa.MetaData()
reservations = sa.Table(
    "reservations",
    metadata,
    sa.Column("order_id", sa.String(64), primary_key=True),
    sa.Column("reserved_at", UtcDateTime, nullable=False),
)
stock = sa.Table(
    "stock",
    metadata,
    sa.Column("sku", sa.String(64), primary_key=True),
    sa.Column("reserved", sa.BigInteger, nullable=False),
)


class StockStore:
    """Keeps how much of each article is reserved. Safe for use by several threads and processes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        create_tables(engine, metadata)

    def reserve(self, request: StockRequested) -> bool:
        """Reserve an order's items.

        :returns: False when they were reserved already.
        """
        quantities: Counter[str] = Counter()
        for item in request.items:
            quantities[item.sku] += item.quantity
        with self._engine.begin() as connection:
            reservation = insert(connection, reservations).values(order_id=request.order_id, reserved_at=now())
            statement = reservation.on_conflict_do_nothing().returning(reservations.c.order_id)
            if connection.execute(statement).one_or_none() is None:
                return False
            # In one order for all transactions, so that two of them never wait for each other's rows.
            for sku, quantity in sorted(quantities.items()):
                addition = insert(connection, stock).values(sku=sku, reserved=quantity)
                connection.execute(
                    addition.on_conflict_do_update(
                        index_elements=[stock.c.sku], set_={"reserved": stock.c.reserved + quantity}
                    )
                )
        return True

    def reserved(self, sku: str) -> int:
        """How many pieces of an article are reserved; 0 for an article that nobody ordered."""
        with reading(self._engine).begin() as connection:
            return connection.execute(sa.select(stock.c.reserved).where(stock.c.sku == sku)).scalar() or 0
