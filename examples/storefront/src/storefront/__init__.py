# SPDX-License-Identifier: GPL-3.0-or-later
"""Reference services of a small shop: order, payment, notification and inventory."""

__version__ = "1.0.0"
