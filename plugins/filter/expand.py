# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``ecommerce.sqs.expand``; documented in expand.yml."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.ecommerce.sqs.plugins.module_utils._problems import InvalidInputError
from ansible_collections.ecommerce.sqs.plugins.module_utils._topology.expand import expand as expand_topology


def expand(
    topology: object, *, region: str, account_id: str | None = None, partition: str | None = None
) -> dict[str, Any]:
    """Return the expanded topology; raise AnsibleFilterError with all its faults."""
    try:
        return dict(expand_topology(topology, region=region, account_id=account_id, partition=partition))
    except InvalidInputError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"expand": expand}
