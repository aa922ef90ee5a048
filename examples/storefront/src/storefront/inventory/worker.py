# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory service's worker: ``SQS_WORKER_HANDLER=python:storefront.inventory.worker:handle``.

Importing this module reads the environment, so that a wrong setting is found when the worker starts.
"""

from __future__ import annotations

from storefront.database import connect
from storefront.inventory.handler import StockHandler
from storefront.inventory.settings import InventorySettings
from storefront.inventory.store import StockStore

handle = StockHandler(StockStore(connect(InventorySettings.from_environment().database_url))).handle
