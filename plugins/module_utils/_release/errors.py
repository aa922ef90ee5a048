# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong with releases."""

from __future__ import annotations

from .._host.errors import HostError


class ReleaseError(HostError):
    """A release cannot be made or made live; the message says why and the way out."""
