# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filters with which playbooks say what a host needs for its services; each is documented in its own .yml."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.ecommerce.sqs.plugins.module_utils._host import wanted


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {
            "chosen_services": wanted.chosen_services,
            "env_files": wanted.env_files,
            "service_log_command": wanted.service_log_command,
            "service_queues": wanted.service_queues,
            "unit_files": wanted.unit_files,
        }
