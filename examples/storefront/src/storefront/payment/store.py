# SPDX-License-Identifier: GPL-3.0-or-later
"""Payments in the database, one for each order."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from storefront.database import UtcDateTime, create_tables, insert, now, reading
from storefront.messages import OrderCreated

metadata = sa.MetaData()
payments = sa.Table(
    "payments",
    metadata,
    sa.Column("order_id", sa.String(64), primary_key=True),
    sa.Column("payment_id", sa.String(64), nullable=False, unique=True),
    sa.Column("amount", sa.BigInteger, nullable=False),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.Column("captured_at", UtcDateTime, nullable=False),
    sa.Column("deliveries", sa.Integer, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Payment:
    """A recorded payment; ``deliveries`` counts how often its order's message has come."""

    order_id: str
    payment_id: str
    amount: int
    currency: str
    captured_at: datetime
    deliveries: int


class UnknownPaymentError(Exception):
    """The order has no payment."""


class OrderChangedError(Exception):
    """The order was paid, and now comes with another sum."""


class PaymentStore:
    """Keeps payments. Safe for use by several threads and processes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        create_tables(engine, metadata)

    def record(self, order: OrderCreated, announce: Callable[[Connection, Payment], None]) -> Payment:
        """Record the payment of an order, or count one more delivery of an order that is paid.

        :param announce: called with the open transaction when the payment is new.
        :raises OrderChangedError: the order is paid, but not with this sum.
        """
        with self._engine.begin() as connection:
            statement = insert(connection, payments).values(
                order_id=order.order_id,
                payment_id=str(uuid.uuid4()),
                amount=order.total,
                currency=order.currency,
                captured_at=now(),
                deliveries=1,
            )
            upsert = statement.on_conflict_do_update(
                index_elements=[payments.c.order_id], set_={"deliveries": payments.c.deliveries + 1}
            ).returning(payments)
            payment = Payment(**connection.execute(upsert).one()._mapping)
            if (payment.amount, payment.currency) != (order.total, order.currency):
                raise OrderChangedError
            if payment.deliveries == 1:
                announce(connection, payment)
        return payment

    def get(self, order_id: str) -> Payment:
        """The payment of an order.

        :raises UnknownPaymentError: there is none.
        """
        with reading(self._engine).begin() as connection:
            row = connection.execute(sa.select(payments).where(payments.c.order_id == order_id)).one_or_none()
        if row is None:
            raise UnknownPaymentError(order_id)
        return Payment(**row._mapping)
