"""An interface endpoint of a VPC: the steps from what there is to what is wanted. Pure: no I/O.

An *actual* endpoint is what ``api`` read: None, or
``{id, state, subnets, security_groups, private_dns, policy, tags}``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._aws.steps import Step
from .._topology.policies import SamePolicy
from .._topology.tags import differing_tags
from .wanted import Wanted


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
