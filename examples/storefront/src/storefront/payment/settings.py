# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of the payment service and its worker."""

from __future__ import annotations

from pydantic import Field

from storefront.settings import FifoQueueUrl, QueueUrl, ServiceSettings


class PaymentSettings(ServiceSettings):
    """Adds the queues that the payment service sends to."""

    port: int = Field(default=8002, ge=1, le=65535)
    database_url: str = "sqlite:///data/payment.sqlite3"
    payment_queue_url: FifoQueueUrl
    notification_queue_url: QueueUrl
