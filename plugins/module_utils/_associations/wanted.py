# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which instance a module was asked to give which profile. Pure: no I/O."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .._problems import Problems, join, show
from .._topology.names import name_in

_INSTANCE_ID = re.compile(r"i-[0-9a-f]{8,17}")


@dataclass(frozen=True)
class Wanted:
    """One instance and the profile that it shall have; without a profile it shall have none."""

    instance_id: str
    profile: str | None


def read_wanted(entries: Iterable[Mapping[str, Any]], *, absent: bool) -> list[Wanted]:
    """Return the associations of the module's option.

    Raises InvalidInputError with every fault: an ID that is none, an instance listed twice, a missing profile.
    """
    problems = Problems()
    found: dict[str, Wanted] = {}
    for position, entry in enumerate(entries):
        path = f"associations[{position}]"
        instance_id, profile = entry["instance_id"], entry.get("instance_profile")
        if not _INSTANCE_ID.fullmatch(instance_id):
            problems.add(
                join(path, "instance_id"), f"{show(instance_id)} is not an instance ID such as i-0123456789abcdef0"
            )
        if instance_id in found:
            problems.add(join(path, "instance_id"), f"{instance_id} is listed twice")
        if not profile and not absent:
            problems.add(join(path, "instance_profile"), "is missing")
        found[instance_id] = Wanted(instance_id, None if absent else name_in(profile or ""))
    problems.raise_if_any("associations")
    return list(found.values())
