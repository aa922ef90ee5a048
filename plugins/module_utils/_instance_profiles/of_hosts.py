# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which instance profile each host and each instance to launch needs. Pure: no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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


def instances_wanted(
    services_of: Mapping[str, Sequence[str]], *, profiles: Mapping[str, Mapping[str, Any]], prefix: str
) -> list[dict[str, str]]:
    """Return the instances, or launch templates, that are to be there, as role ``instances`` takes them.

    Each has its ``name``, ``service`` (with commas between several), ``topology`` and ``instance_profile_arn``.

    :param services_of: the services of each name, at least one, which share an instance profile.
    :param profiles: what module ``instance_profile`` returned as ``services``.
    :param prefix: the prefix of the topology.
    """
    return [
        {
            "name": name,
            "service": ",".join(services),
            "topology": prefix,
            "instance_profile_arn": profiles[services[0]]["instance_profile_arn"],
        }
        for name, services in services_of.items()
    ]


def instance_associations(
    profiles: Mapping[str, Mapping[str, Any]], *, instance_ids: Mapping[str, str | None]
) -> list[dict[str, str]]:
    """Return ``instance_id`` and ``instance_profile`` of each host whose instance is known.

    :param profiles: the profile of each host, as :func:`host_profiles` returns it.
    :param instance_ids: the instance of each host, empty where it is not known.
    """
    return [
        {"instance_id": instance, "instance_profile": profile["instance_profile_name"]}
        for host, profile in profiles.items()
        if (instance := instance_ids.get(host))
    ]
