# SPDX-License-Identifier: GPL-3.0-or-later
"""What travels over the queues, and what arrives over HTTP: schemas shared by sender and receiver.

A queue's content is hostile input: everything is bounded, control characters are refused (PostgreSQL cannot store NUL,
and a mail header must not be split), and a refusal never repeats what was received.
Amounts are integers in the currency's minor unit (cents).
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from sqs_worker import FatalError, Message

Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Name = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$", min_length=1, max_length=200)]
# RFC 5321 limits; the quoted local parts that it also allows are refused, as most shops do.
EmailAddress = Annotated[
    str,
    StringConstraints(
        pattern=r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)+$",
        max_length=254,
    ),
]
PhoneNumber = Annotated[str, StringConstraints(pattern=r"^\+[1-9][0-9]{6,14}$")]  # E.164, as SNS wants it
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]  # ISO 4217
Sku = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
Amount = Annotated[int, Field(gt=0, le=10**12)]


class _Schema(BaseModel):
    # Fields that this version does not know are dropped, so that a sender may be deployed before its receivers.
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class Customer(_Schema):
    """Who ordered, and how to reach them."""

    name: Name
    email: EmailAddress
    phone: PhoneNumber | None = None


class Item(_Schema):
    """One line of an order; ``unit_price`` in minor units."""

    sku: Sku
    quantity: Annotated[int, Field(ge=1, le=1000)]
    unit_price: Annotated[int, Field(ge=0, le=10**9)]


Items = Annotated[tuple[Item, ...], Field(min_length=1, max_length=100)]


class OrderCreated(_Schema):
    """order service -> order queue."""

    type: Literal["order.created"] = "order.created"
    order_id: Identifier
    customer: Customer
    items: Items
    total: Amount
    currency: Currency
    created_at: AwareDatetime


class PaymentCaptured(_Schema):
    """payment service -> payment queue (FIFO, one group for each order)."""

    type: Literal["payment.captured"] = "payment.captured"
    payment_id: Identifier
    order_id: Identifier
    amount: Amount
    currency: Currency
    captured_at: AwareDatetime


class NotificationRequested(_Schema):
    """payment service -> notification queue. ``notification_id`` is the key under which it is sent once."""

    type: Literal["notification.requested"] = "notification.requested"
    notification_id: Identifier
    order_id: Identifier
    customer: Customer
    amount: Amount
    currency: Currency
    paid_at: AwareDatetime


class StockRequested(_Schema):
    """order service -> inventory queue, where the topology has one."""

    type: Literal["stock.requested"] = "stock.requested"
    order_id: Identifier
    items: Items
    created_at: AwareDatetime


SchemaT = TypeVar("SchemaT", bound=_Schema)


def parse(schema: type[SchemaT], message: Message) -> SchemaT:
    """Validate a message's body.

    :raises FatalError: naming each field that is wrong and why, without its value.
    """
    try:
        return schema.model_validate_json(message.body)
    except ValidationError as error:
        reasons = [
            f"{'.'.join(map(str, problem['loc'])) or 'body'}: {problem['msg']}" for problem in error.errors()[:5]
        ]
        raise FatalError(f"not a valid {schema.model_fields['type'].default} message: {'; '.join(reasons)}") from None


def serialise(message: BaseModel) -> str:
    """The message as the JSON text that ``parse`` reads."""
    return message.model_dump_json(exclude_none=True)


def format_amount(amount: int, currency: str) -> str:
    """An amount for a person: ``format_amount(1990, "SGD")`` is ``SGD 19.90``."""
    digits = {"BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3}.get(
        currency, 0 if currency in _WITHOUT_MINOR_UNIT else 2
    )
    if not digits:
        return f"{currency} {amount}"
    whole, fraction = divmod(amount, 10**digits)
    return f"{currency} {whole}.{fraction:0{digits}d}"


# ISO 4217, currencies whose minor unit is the currency itself.
_WITHOUT_MINOR_UNIT = frozenset(
    (
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "ISK",
        "JPY",
        "KMF",
        "KRW",
        "PYG",
        "RWF",
        "UGX",
        "UYI",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    )
)


def isoformat(moment: datetime | None) -> str | None:
    """A moment as the HTTP answers show it."""
    return moment.isoformat(timespec="milliseconds") if moment else None
