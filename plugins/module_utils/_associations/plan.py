"""Which instance uses which profile: the steps from what there is to what is wanted. Pure: no I/O.

An *actual* instance is what ``api`` read: ``{state, profile: name or None, association_id: ID or None,
http_tokens, hop_limit}``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from .._aws.steps import Step
from .._problems import Problems
from .wanted import Wanted

GONE = ("shutting-down", "terminated")


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
