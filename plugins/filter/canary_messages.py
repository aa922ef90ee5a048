# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``ecommerce.sqs.canary_messages``; documented in canary_messages.yml."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.ecommerce.sqs.plugins.module_utils._deploy.gate import canary_messages


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"canary_messages": canary_messages}
