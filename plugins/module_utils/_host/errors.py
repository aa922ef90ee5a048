# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all errors of the host's rooms have in common."""

from __future__ import annotations

from typing import Any


class HostError(Exception):
    """Something on this host cannot be as it is wanted; the message says what, where and the way out.

    ``result`` is what a module returns besides the message.
    """

    def __init__(self, message: str, **result: Any) -> None:
        super().__init__(message)
        self.result = result
