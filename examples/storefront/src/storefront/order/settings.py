# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of the order service and its worker."""

from __future__ import annotations

from pydantic import Field

from storefront.settings import QueueUrl, ServiceSettings


class OrderSettings(ServiceSettings):
    """Adds the queues that the order service sends to; the inventory queue is there when the topology has it."""

    port: int = Field(default=8001, ge=1, le=65535)
    database_url: str = "sqlite:///data/order.sqlite3"
    order_queue_url: QueueUrl
    inventory_queue_url: QueueUrl | None = None
