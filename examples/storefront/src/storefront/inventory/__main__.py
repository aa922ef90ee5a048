# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m storefront.inventory`` runs the inventory service."""

from __future__ import annotations

import sys

from storefront.inventory.app import create_app
from storefront.inventory.settings import InventorySettings
from storefront.server import serve

if __name__ == "__main__":
    sys.exit(serve("inventory", InventorySettings, create_app))
