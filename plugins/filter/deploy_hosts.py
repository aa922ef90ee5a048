# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filters with which playbooks judge the hosts of a deploy; each is documented in its own .yml."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.ecommerce.sqs.plugins.module_utils._deploy import hosts


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {
            "release_changes": hosts.release_changes,
            "rollback_disagreements": hosts.rollback_disagreements,
            "unready_hosts": hosts.unready_hosts,
        }
