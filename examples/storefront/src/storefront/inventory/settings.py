# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of the inventory service and its worker."""

from __future__ import annotations

from pydantic import Field

from storefront.settings import ServiceSettings


class InventorySettings(ServiceSettings):
    """Nothing beyond what every service reads: inventory sends no messages."""

    port: int = Field(default=8004, ge=1, le=65535)
    database_url: str = "sqlite:///data/inventory.sqlite3"
