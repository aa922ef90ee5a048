# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filters with which playbooks bring hosts to instances and their profiles; each is documented in its own .yml."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.ecommerce.sqs.plugins.module_utils._instance_profiles import of_hosts


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {
            "instance_associations": of_hosts.instance_associations,
            "instances_wanted": of_hosts.instances_wanted,
        }
