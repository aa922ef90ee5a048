# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the checkout is: no test reaches for a path by counting folders."""

from __future__ import annotations

from pathlib import Path

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "galaxy.yml").is_file())
"""The collection's own folder, the one with its galaxy.yml."""
WORKER = ROOT / "roles/worker/files/sqs_worker/src"
STOREFRONT = ROOT / "examples/storefront/src"
