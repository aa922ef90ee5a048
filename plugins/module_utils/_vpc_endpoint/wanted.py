# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The interface endpoint of a VPC that a module was asked for. Pure: no I/O."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .._problems import Problems, show
from .._topology.policies import Document

_IDS = {
    "vpc_id": re.compile(r"vpc-[0-9a-f]{8,17}"),
    "subnet_ids": re.compile(r"subnet-[0-9a-f]{8,17}"),
    "security_group_ids": re.compile(r"sg-[0-9a-f]{8,17}"),
}


@dataclass(frozen=True)
class Wanted:
    """The endpoint as the operator wants it; None is "leave it as it is"."""

    vpc_id: str
    service_name: str
    subnets: list[str] | None = None
    security_groups: list[str] | None = None
    private_dns: bool | None = None
    policy: Document | None = None
    tags: dict[str, str] | None = None


def check_ids(parameters: Mapping[str, Any]) -> None:
    """Raise InvalidInputError with every ID of the module's options that is none."""
    problems = Problems()
    for option, pattern in _IDS.items():
        given = parameters[option]
        for value in [given] if isinstance(given, str) else given or []:
            if not pattern.fullmatch(value):
                example = pattern.pattern.partition("[")[0] + "0123456789abcdef0"
                problems.add(option, f"{show(value)} is not an ID such as {example}")
    problems.raise_if_any("vpc_endpoint")
