# SPDX-License-Identifier: GPL-3.0-or-later
"""The payment service's worker: ``SQS_WORKER_HANDLER=python:storefront.payment.worker:handle``.

Importing this module reads the environment, so that a wrong setting is found when the worker starts.
"""

from __future__ import annotations

from storefront.database import connect, open_outbox
from storefront.payment.handler import OrderHandler
from storefront.payment.settings import PaymentSettings
from storefront.payment.store import PaymentStore

_settings = PaymentSettings.from_environment()
_engine = connect(_settings.database_url)

handle = OrderHandler(
    PaymentStore(_engine),
    open_outbox(_engine),
    payment_queue_url=_settings.payment_queue_url,
    notification_queue_url=_settings.notification_queue_url,
).handle
