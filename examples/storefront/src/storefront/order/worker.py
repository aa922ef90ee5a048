# SPDX-License-Identifier: GPL-3.0-or-later
"""The order service's worker: ``SQS_WORKER_HANDLER=python:storefront.order.worker:handle``.

Importing this module reads the environment, so that a wrong setting is found when the worker starts.
"""

from __future__ import annotations

from storefront.database import connect
from storefront.order.handler import PaymentEventHandler
from storefront.order.settings import OrderSettings
from storefront.order.store import OrderStore

handle = PaymentEventHandler(OrderStore(connect(OrderSettings.from_environment().database_url))).handle
