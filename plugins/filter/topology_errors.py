# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``ecommerce.sqs.topology_errors``; documented in topology_errors.yml."""

from __future__ import annotations

from collections.abc import Callable

from ansible_collections.ecommerce.sqs.plugins.module_utils._host.wanted import chosen_services
from ansible_collections.ecommerce.sqs.plugins.module_utils._problems import InvalidInputError
from ansible_collections.ecommerce.sqs.plugins.module_utils._topology.expand import expand


def topology_errors(topology: object, *, region: str, services: str | list[str] | None = None) -> list[str]:
    """Return every fault of a topology, and of a choice of its services, as ``path: reason``."""
    try:
        known = expand(topology, region=region)["services"]
    except InvalidInputError as error:
        return error.errors
    return [
        f"services: there is no service '{name}'; declared are {', '.join(known)}"
        for name in chosen_services(services)
        if name not in known
    ]


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., list[str]]]:
        return {"topology_errors": topology_errors}
