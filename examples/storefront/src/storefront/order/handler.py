# SPDX-License-Identifier: GPL-3.0-or-later
"""What the order service does with a payment event."""

from __future__ import annotations

from sqs_worker import FatalError, Message, RetryableError
from storefront.messages import PaymentCaptured, parse
from storefront.order.store import OrderStore, PaymentMismatchError, UnknownOrderError


class PaymentEventHandler:
    """Marks orders paid."""

    def __init__(self, store: OrderStore) -> None:
        self._store = store

    def handle(self, message: Message) -> None:
        """Mark the order of one payment event paid; a redelivered event changes nothing.

        :raises FatalError: the event is malformed or does not fit the order.
        :raises RetryableError: the order is not known (yet): a database that has just failed over may be behind.
        """
        payment = parse(PaymentCaptured, message)
        try:
            self._store.mark_paid(payment)
        except UnknownOrderError:
            raise RetryableError(f"order {payment.order_id} is not known here") from None
        except PaymentMismatchError as error:
            raise FatalError(f"payment {payment.payment_id} of order {payment.order_id}: {error}") from None
