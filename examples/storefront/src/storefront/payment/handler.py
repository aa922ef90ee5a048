# SPDX-License-Identifier: GPL-3.0-or-later
"""What the payment service does with a new order."""

from __future__ import annotations

from sqlalchemy.engine import Connection

from sqs_worker import FatalError, Message
from sqs_worker.outbox import Outbox
from storefront.messages import NotificationRequested, OrderCreated, PaymentCaptured, parse, serialise
from storefront.payment.store import OrderChangedError, Payment, PaymentStore


class OrderHandler:
    """Records payments; the payment event and the notification leave through the outbox of the same transaction."""

    def __init__(
        self, store: PaymentStore, outbox: Outbox, *, payment_queue_url: str, notification_queue_url: str
    ) -> None:
        self._store = store
        self._outbox = outbox
        self._payment_queue_url = payment_queue_url
        self._notification_queue_url = notification_queue_url

    def handle(self, message: Message) -> None:
        """Pay the order of one message, once however often it is delivered.

        :raises FatalError: the message is malformed, or the order was paid with another sum.
        """
        order = parse(OrderCreated, message)

        def announce(connection: Connection, payment: Payment) -> None:
            event = PaymentCaptured(
                payment_id=payment.payment_id,
                order_id=payment.order_id,
                amount=payment.amount,
                currency=payment.currency,
                captured_at=payment.captured_at,
            )
            self._outbox.add(
                connection,
                self._payment_queue_url,
                serialise(event),
                group_id=payment.order_id,
                deduplication_id=payment.payment_id,
            )
            notification = NotificationRequested(
                notification_id=payment.payment_id,
                order_id=payment.order_id,
                customer=order.customer,
                amount=payment.amount,
                currency=payment.currency,
                paid_at=payment.captured_at,
            )
            self._outbox.add(connection, self._notification_queue_url, serialise(notification))

        try:
            self._store.record(order, announce)
        except OrderChangedError:
            raise FatalError(f"order {order.order_id} is paid already, with another sum") from None
