# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a queue holds, a handler either does its work or refuses with a reason: it never fails in another way."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from storefront_support import notification_requested, order_created

from sqs_worker import FatalError, Message, RetryableError
from storefront.database import connect, open_outbox
from storefront.inventory.handler import StockHandler
from storefront.inventory.store import StockStore
from storefront.messages import NotificationRequested, OrderCreated, format_amount, parse
from storefront.notification.handler import NotificationHandler
from storefront.notification.mail import compose
from storefront.notification.settings import NotificationSettings
from storefront.notification.store import SendingStore
from storefront.order.handler import PaymentEventHandler
from storefront.order.store import OrderStore
from storefront.payment.handler import OrderHandler
from storefront.payment.store import PaymentStore

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.datetimes().map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@st.composite
def mutated(draw: st.DrawFn, valid: dict[str, Any]) -> str:
    """A valid message of which something was replaced or taken away, at any depth."""
    body = json.loads(json.dumps(valid))
    for _unused in range(draw(st.integers(0, 3))):
        place: Any = body
        while isinstance(place, dict | list) and place:
            key = draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
            if not isinstance(place[key], dict | list) or draw(st.booleans()):
                break
            place = place[key]
        else:
            continue
        if draw(st.booleans()):
            place[key] = draw(anything)
        else:
            del place[key]
    return json.dumps(body)


class FirstChannel:
    """Composes the mail, which must work for every notification that was accepted, and sends nothing."""

    name = "email"

    def reaches(self, notification: NotificationRequested) -> bool:
        return True

    def send(self, notification: NotificationRequested) -> str:
        mail = compose(notification, "shop@storefront.example")
        assert bytes(mail).count(b"\r\nTo: ") == 1
        return str(mail["Message-ID"])


@pytest.fixture(scope="module")
def handlers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    engine = connect(f"sqlite:///{tmp_path_factory.mktemp('hostile')}/test.sqlite3")
    lease = NotificationSettings(smtp_host="127.0.0.1", smtp_security="none", mail_from="a@b.example").lease
    payment = OrderHandler(
        PaymentStore(engine),
        open_outbox(engine),
        payment_queue_url="http://127.0.0.1/payment.fifo",
        notification_queue_url="http://127.0.0.1/notification",
    )
    return {
        "order": PaymentEventHandler(OrderStore(engine)),
        "payment": payment,
        "notification": NotificationHandler(SendingStore(engine, lease=lease), [FirstChannel()]),
        "inventory": StockHandler(StockStore(engine)),
    }


VALID = {
    "order": {
        "type": "payment.captured",
        "payment_id": "payment-1",
        "order_id": "order-1",
        "amount": 5190,
        "currency": "SGD",
        "captured_at": "2026-11-25T02:00:01Z",
    },
    "payment": order_created(),
    "notification": notification_requested(),
    "inventory": {"type": "stock.requested", **{k: order_created()[k] for k in ("order_id", "items", "created_at")}},
}


@settings(max_examples=150, deadline=None)
@given(data=st.data())
@pytest.mark.parametrize("service", sorted(VALID))
def test_a_handler_survives_every_body(handlers: dict[str, Any], service: str, data: st.DataObject) -> None:
    body = data.draw(mutated(VALID[service]) | st.text() | st.binary().map(lambda b: b.decode("latin-1")))
    try:
        handlers[service].handle(Message(body, "m-1"))
    except (FatalError, RetryableError) as error:
        assert str(error)
        assert len(str(error)) < 2000


@pytest.mark.parametrize(
    "body",
    ["", "null", "[]", "{", "[" * 100_000, '{"a":' * 100_000, "\x00", "9" * 10_000, '{"type": "\\ud800"}', "é" * 1000],
)
@pytest.mark.parametrize("service", sorted(VALID))
def test_a_body_that_is_no_message_is_fatal(handlers: dict[str, Any], service: str, body: str) -> None:
    with pytest.raises(FatalError, match="not a valid"):
        handlers[service].handle(Message(body, "m-1"))


def test_a_refusal_names_the_field_and_not_the_value() -> None:
    secret = "4111-1111-1111-1111"
    body = json.dumps(order_created(customer={"name": "Ada", "email": secret, secret: secret}, total=secret))
    with pytest.raises(FatalError) as error:
        parse(OrderCreated, Message(body, "m-1"))
    assert "customer.email: " in str(error.value)
    assert "total: " in str(error.value)
    assert secret not in str(error.value)


def test_fields_of_a_later_version_are_let_through() -> None:
    assert parse(OrderCreated, Message(json.dumps(order_created(coupon="X")), "m-1")).order_id == "order-1"


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [(1990, "SGD", "SGD 19.90"), (5, "EUR", "EUR 0.05"), (500, "JPY", "JPY 500"), (1234, "KWD", "KWD 1.234")],
)
def test_amounts_are_shown_in_the_currency_s_own_digits(amount: int, currency: str, text: str) -> None:
    assert format_amount(amount, currency) == text
