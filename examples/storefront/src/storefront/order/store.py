# SPDX-License-Identifier: GPL-3.0-or-later
"""Orders in the database."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Self

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, model_validator
from sqlalchemy.engine import Connection, Engine, Row

from storefront.database import UtcDateTime, create_tables, insert, now, reading
from storefront.messages import Currency, Customer, Items, OrderCreated, PaymentCaptured

LARGEST_TOTAL = 10**12

metadata = sa.MetaData()
orders = sa.Table(
    "orders",
    metadata,
    sa.Column("order_id", sa.String(64), primary_key=True),
    sa.Column("idempotency_key", sa.String(128), unique=True),
    sa.Column("request_digest", sa.String(64), nullable=False),
    sa.Column("customer", sa.JSON, nullable=False),
    sa.Column("items", sa.JSON, nullable=False),
    sa.Column("total", sa.BigInteger, nullable=False),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("payment_id", sa.String(64)),
    sa.Column("paid_at", UtcDateTime),
)


class OrderRequest(BaseModel):
    """The body of ``POST /orders``; amounts in minor units."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    customer: Customer
    items: Items
    currency: Annotated[Currency, "ISO 4217"]

    @property
    def total(self) -> int:
        """What the customer pays, in minor units."""
        return sum(item.quantity * item.unit_price for item in self.items)

    @model_validator(mode="after")
    def _total_in_bounds(self) -> Self:
        if not 0 < self.total <= LARGEST_TOTAL:
            raise ValueError(f"the items' total must be above 0 and at most {LARGEST_TOTAL} minor units")
        return self


@dataclass(frozen=True, slots=True)
class Order:
    """An order as it is shown to its customer, without the customer's data."""

    order_id: str
    total: int
    currency: str
    created_at: datetime
    payment_id: str | None
    paid_at: datetime | None

    @property
    def status(self) -> str:
        """``pending`` until it is ``paid``."""
        return "paid" if self.payment_id else "pending"


class OrderConflictError(Exception):
    """The idempotency key belongs to another order's request."""


class UnknownOrderError(Exception):
    """There is no such order."""


class PaymentMismatchError(Exception):
    """The payment does not fit the order; the text says how."""


class OrderStore:
    """Keeps orders. Safe for use by several threads and processes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        create_tables(engine, metadata)

    def place(
        self,
        request: OrderRequest,
        idempotency_key: str | None,
        announce: Callable[[Connection, OrderCreated], None],
    ) -> tuple[Order, bool]:
        """Store an order and announce it in the same transaction.

        :param idempotency_key: a repeated request with the same key gets the order of the first.
        :param announce: called with the open transaction, once for each new order.
        :returns: the order, and whether it is new.
        :raises OrderConflictError: the key was used with another request.
        """
        digest = hashlib.sha256(request.model_dump_json().encode()).hexdigest()
        placed = OrderCreated(
            order_id=str(uuid.uuid4()),
            customer=request.customer,
            items=request.items,
            total=request.total,
            currency=request.currency,
            created_at=now(),
        )
        document = request.model_dump(mode="json")
        with self._engine.begin() as connection:
            statement = (
                insert(connection, orders)
                .values(
                    order_id=placed.order_id,
                    idempotency_key=idempotency_key,
                    request_digest=digest,
                    customer=document["customer"],
                    items=document["items"],
                    total=placed.total,
                    currency=placed.currency,
                    created_at=placed.created_at,
                )
                .on_conflict_do_nothing(index_elements=[orders.c.idempotency_key])
                .returning(orders)
            )
            row = connection.execute(statement).one_or_none()
            if row:
                announce(connection, placed)
                return _order(row), True
            row = connection.execute(sa.select(orders).where(orders.c.idempotency_key == idempotency_key)).one()
        if row.request_digest != digest:
            raise OrderConflictError
        return _order(row), False

    def get(self, order_id: str) -> Order:
        """One order.

        :raises UnknownOrderError: there is none.
        """
        with reading(self._engine).begin() as connection:
            row = connection.execute(sa.select(orders).where(orders.c.order_id == order_id)).one_or_none()
        if row is None:
            raise UnknownOrderError(order_id)
        return _order(row)

    def mark_paid(self, payment: PaymentCaptured) -> None:
        """Note an order's payment; noting the same payment again changes nothing.

        :raises UnknownOrderError: there is no such order.
        :raises PaymentMismatchError: another sum than the order's, or a second payment.
        """
        with self._engine.begin() as connection:
            row = connection.execute(
                sa.select(orders).where(orders.c.order_id == payment.order_id).with_for_update()
            ).one_or_none()
            if row is None:
                raise UnknownOrderError(payment.order_id)
            if (row.total, row.currency) != (payment.amount, payment.currency):
                raise PaymentMismatchError("the sum paid is not the order's total")
            if row.payment_id not in {None, payment.payment_id}:
                raise PaymentMismatchError(f"the order is paid already by payment {row.payment_id}")
            if row.payment_id is None:
                connection.execute(
                    sa.update(orders)
                    .where(orders.c.order_id == payment.order_id)
                    .values(payment_id=payment.payment_id, paid_at=payment.captured_at)
                )


def _order(row: Row[tuple[object, ...]]) -> Order:
    return Order(
        order_id=row.order_id,
        total=row.total,
        currency=row.currency,
        created_at=row.created_at,
        payment_id=row.payment_id,
        paid_at=row.paid_at,
    )
