# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An interface endpoint of a VPC: what is wanted, what there is, and the steps between. Pure: no I/O.

An *actual* endpoint is what ``api`` read: None, or
``{id, state, subnets, security_groups, private_dns, policy, tags}``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .._aws.steps import Step, differing_tags
from .._problems import Problems, show
from .._topology.policies import Document, SamePolicy

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


def plan_present(
    wanted: Wanted, actual: Mapping[str, Any] | None, *, purge_tags: bool, same_policy: SamePolicy
) -> list[Step]:
    """Return the steps that turn ``actual`` into ``wanted``."""
    if actual is None:
        return [Step("create", {"wanted": wanted})]
    changes: dict[str, Any] = {}
    for option in ("subnets", "security_groups"):
        ids = getattr(wanted, option)
        if ids is not None and set(ids) != set(actual[option]):
            changes[f"add_{option}"] = sorted(set(ids) - set(actual[option]))
            changes[f"remove_{option}"] = sorted(set(actual[option]) - set(ids))
    if wanted.private_dns not in (None, actual["private_dns"]):
        changes["private_dns"] = wanted.private_dns
    if wanted.policy is not None and not same_policy(actual["policy"], wanted.policy):
        changes["policy"] = wanted.policy
    steps = [Step("modify", {"endpoint_id": actual["id"], **changes})] if changes else []
    new, strangers = differing_tags(wanted.tags, actual["tags"], purge=purge_tags)
    if new:
        steps.append(Step("tag", {"endpoint_id": actual["id"], "tags": new}))
    if strangers:
        steps.append(Step("untag", {"endpoint_id": actual["id"], "keys": strangers}))
    return steps


def plan_absent(actual: Mapping[str, Any] | None) -> list[Step]:
    """Return the step that removes the endpoint, where it is there."""
    return [] if actual is None else [Step("delete", {"endpoint_id": actual["id"]})]


def predict(wanted: Wanted, actual: Mapping[str, Any] | None, steps: list[Step]) -> dict[str, Any] | None:
    """Return the endpoint as it will be once ``steps`` are done."""
    after: dict[str, Any] | None = None if actual is None else {**actual, "tags": dict(actual["tags"])}
    for step in steps:
        if step.method == "delete":
            return None
        if step.method == "create":
            after = {
                "id": None,
                "state": "pending",
                "subnets": sorted(wanted.subnets or []),
                "security_groups": sorted(wanted.security_groups or []),
                "private_dns": bool(wanted.private_dns),
                "policy": wanted.policy,
                "tags": dict(wanted.tags or {}),
            }
        elif after is not None:
            _change(after, step)
    return after


def explain_late(wanted: Wanted, seconds: int) -> str:
    """Return what to do about an endpoint that was not available in the time given."""
    return (
        f"after {seconds} s the endpoint of {wanted.vpc_id} is not available; does its owner have to accept it? "
        "Run again, or raise wait_timeout"
    )


def _change(after: dict[str, Any], step: Step) -> None:
    given = step.arguments
    if step.method == "tag":
        after["tags"].update(given["tags"])
    elif step.method == "untag":
        after["tags"] = {key: value for key, value in after["tags"].items() if key not in given["keys"]}
    else:
        for option in ("subnets", "security_groups"):
            kept = set(after[option]) - set(given.get(f"remove_{option}", []))
            after[option] = sorted(kept | set(given.get(f"add_{option}", [])))
        after.update({key: given[key] for key in ("private_dns", "policy") if key in given})
