# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m storefront.payment`` runs the payment service."""

from __future__ import annotations

import sys

from storefront.payment.app import create_app
from storefront.payment.settings import PaymentSettings
from storefront.server import serve

if __name__ == "__main__":
    sys.exit(serve("payment", PaymentSettings, create_app))
