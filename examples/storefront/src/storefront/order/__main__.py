# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m storefront.order`` runs the order service."""

from __future__ import annotations

import sys

from storefront.order.app import create_app
from storefront.order.settings import OrderSettings
from storefront.server import serve

if __name__ == "__main__":
    sys.exit(serve("order", OrderSettings, create_app))
