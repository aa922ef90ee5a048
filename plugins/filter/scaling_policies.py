# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``ecommerce.sqs.scaling_policies``; documented in scaling_policies.yml."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.ecommerce.sqs.plugins.module_utils._problems import InvalidInputError
from ansible_collections.ecommerce.sqs.plugins.module_utils._topology.expand import expand
from ansible_collections.ecommerce.sqs.plugins.module_utils._topology.scaling import (
    scaling_policies as policies_of,
)


def scaling_policies(topology: object, *, region: str, groups: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the scaling policies of the groups; raise AnsibleFilterError with all faults."""
    try:
        return policies_of(expand(topology, region=region), groups)
    except InvalidInputError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"scaling_policies": scaling_policies}
