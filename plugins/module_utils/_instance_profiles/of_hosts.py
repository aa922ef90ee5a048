# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which instance profile each host needs. Pure: no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .._problems import Problems


def host_profiles(
    hosts: Iterable[str], *, services: Mapping[str, Mapping[str, Any]], groups: Mapping[str, Iterable[str]]
) -> dict[str, dict[str, Any]]:
    """Return for each host with a service its ``services``, ``instance_profile_name`` and ``instance_profile_arn``.

    :param services: what module ``instance_profile`` returned as ``services``.
    :param groups: the hosts of each group of the inventory; a host runs the services whose groups it is in.
    Raises InvalidInputError for every host whose services do not share a profile: an instance has one.
    """
    problems = Problems()
    found: dict[str, dict[str, Any]] = {}
    for host in hosts:
        names = [name for name in services if host in groups.get(name, [])]
        profiles = {services[name]["instance_profile_name"]: services[name]["instance_profile_arn"] for name in names}
        if len(profiles) > 1:
            problems.add(
                host,
                f"runs {', '.join(names)}, which have the instance profiles {', '.join(profiles)}, but an instance has "
                "one; put the services on hosts of their own, or set shared_instance_profile: true in the topology",
            )
        elif profiles:
            ((name, arn),) = profiles.items()
            found[host] = {"services": names, "instance_profile_name": name, "instance_profile_arn": arn}
    problems.raise_if_any("The inventory")
    return found
