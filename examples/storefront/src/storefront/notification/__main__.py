# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m storefront.notification`` runs the notification service."""

from __future__ import annotations

import sys

from storefront.notification.app import create_app
from storefront.notification.settings import NotificationSettings
from storefront.server import serve

if __name__ == "__main__":
    sys.exit(serve("notification", NotificationSettings, create_app))
