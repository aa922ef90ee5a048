# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``ecommerce.sqs.host_profiles``; documented in host_profiles.yml."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.ecommerce.sqs.plugins.module_utils._instance_profiles import of_hosts as pure
from ansible_collections.ecommerce.sqs.plugins.module_utils._problems import InvalidInputError


def host_profiles(
    hosts: Iterable[str], *, services: Mapping[str, Mapping[str, Any]], groups: Mapping[str, Iterable[str]]
) -> dict[str, dict[str, Any]]:
    """Return the instance profile of each host; raise AnsibleFilterError for hosts that need two."""
    try:
        return pure.host_profiles(hosts, services=services, groups=groups)
    except InvalidInputError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"host_profiles": host_profiles}
