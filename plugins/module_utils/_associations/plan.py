# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which instance uses which profile: what is wanted, what there is, and the steps between. Pure: no I/O.

An *actual* instance is what ``api`` read: ``{state, profile: name or None, association_id: ID or None,
http_tokens, hop_limit}``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from .._aws.steps import Step
from .._problems import Problems, join, show

GONE = ("shutting-down", "terminated")
_INSTANCE_ID = re.compile(r"i-[0-9a-f]{8,17}")


@dataclass(frozen=True)
class Wanted:
    """One instance and the profile that it shall have; without a profile it shall have none."""

    instance_id: str
    profile: str | None


def profile_name(name_or_arn: str) -> str:
    """Return the name of a profile given by name or by ARN."""
    return name_or_arn.rpartition("/")[2]


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
        found[instance_id] = Wanted(instance_id, None if absent else profile_name(profile or ""))
    problems.raise_if_any("associations")
    return list(found.values())


def plan(
    wanted: Iterable[Wanted],
    actual: Mapping[str, Mapping[str, Any]],
    *,
    replaceable: Iterable[str],
    require_imdsv2: bool,
    hop_limit: int | None,
) -> list[Step]:
    """Return the steps for all instances.

    :param actual: instances by ID; one that is missing does not exist.
    :param replaceable: patterns of names (``ecommerce-*``) of profiles that may be replaced or taken away.
    :param require_imdsv2: have the instances refuse the metadata service's first version; never the reverse.
    Raises InvalidInputError with every instance that cannot be done, before any is.
    """
    problems = Problems()
    allowed = list(replaceable)
    steps = []
    for item in wanted:
        instance = actual.get(item.instance_id)
        if instance is None:
            problems.add(item.instance_id, "there is no such instance in this region")
        elif instance["state"] in GONE:
            problems.add(item.instance_id, f"the instance is {instance['state']}; take it out of the inventory")
        else:
            steps += _plan_profile(item, instance, allowed, problems)
            steps += _plan_metadata(item, instance, require_imdsv2=require_imdsv2, hop_limit=hop_limit)
    problems.raise_if_any("associations")
    return steps


def predict(actual: Mapping[str, Mapping[str, Any]], steps: Iterable[Step]) -> dict[str, dict[str, Any]]:
    """Return the instances as they will be once ``steps`` are done; the two together are the diff."""
    after = {instance_id: dict(instance) for instance_id, instance in actual.items()}
    for step in steps:
        instance = after[step.arguments["instance_id"]]
        if step.method == "require_tokens":
            instance.update({key: value for key, value in step.arguments.items() if key != "instance_id"})
        else:
            instance["profile"] = step.arguments.get("profile")
    return after


def moves(wanted: Iterable[Wanted], steps: Iterable[Step]) -> dict[str, str | None]:
    """Return the profile that each instance has once ``steps`` are done, by ID, of those whose profile changes."""
    changing = {step.arguments["instance_id"] for step in steps if step.method != "require_tokens"}
    return {item.instance_id: item.profile for item in wanted if item.instance_id in changing}


def explain_unknown(profile: str, seconds: int) -> str:
    """Return what to do about a profile that EC2 did not know in the time given."""
    return (
        f"after {seconds} s EC2 still does not know the instance profile {profile}; does it exist "
        "(ecommerce.sqs.instance_profile)? If it was made just now, raise wait_timeout"
    )


def explain_late(instance_ids: Iterable[str], seconds: int) -> str:
    """Return what to do about instances whose profile EC2 did not change in the time given."""
    return (
        f"after {seconds} s EC2 has not finished to associate {', '.join(instance_ids)}; run again, or raise "
        "wait_timeout"
    )


def _plan_profile(item: Wanted, instance: Mapping[str, Any], replaceable: list[str], problems: Problems) -> list[Step]:
    actual = instance["profile"]
    if actual == item.profile:
        return []
    if actual is None:
        return [Step("associate", {"instance_id": item.instance_id, "profile": item.profile})]
    if not any(fnmatchcase(actual, pattern) for pattern in replaceable):
        problems.add(
            item.instance_id,
            f"has the instance profile {actual}, which is not ours; to have it replaced, list it in replaceable "
            "(iam_replaceable of role iam)",
        )
        return []
    association = {"instance_id": item.instance_id, "association_id": instance["association_id"]}
    if item.profile is None:
        return [Step("disassociate", association)]
    return [Step("replace", {**association, "profile": item.profile})]


def _plan_metadata(
    item: Wanted, instance: Mapping[str, Any], *, require_imdsv2: bool, hop_limit: int | None
) -> list[Step]:
    wanted: dict[str, Any] = {}
    if require_imdsv2 and instance["http_tokens"] != "required":
        wanted["http_tokens"] = "required"
    if hop_limit is not None and instance["hop_limit"] != hop_limit:
        wanted["hop_limit"] = hop_limit
    return [Step("require_tokens", {"instance_id": item.instance_id, **wanted})] if wanted else []
