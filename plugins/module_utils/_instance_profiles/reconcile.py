# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``instance_profile``: reads all, plans all, and, unless it is only asked, does it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .._associations.api import Ec2Edge
from .._aws.client import concurrently
from .._aws.module import Aws, RefusedError, diff
from .._problems import Problems
from .._topology.expand import expand
from .._topology.policies import instance_profiles, operator_role, trust_policy
from .api import IamEdge
from .plan import Step, Wanted, describe, plan_absent, plan_present, predict, read_wanted, removal_problems


def reconcile(
    parameters: Mapping[str, Any], aws: Aws, *, check_mode: bool, region: str | None = None
) -> dict[str, Any]:
    """Return the module's result.

    :param parameters: the module's options.
    :param region: where the queues of a topology are; needed with one.
    Raises InvalidInputError, RefusedError, and botocore's errors.
    """
    absent = parameters["state"] == "absent"
    if parameters["topology"] is not None:
        # A fault of the topology is told before the first call.
        _expand(parameters["topology"], region)
    partition, account_id = aws.account()
    prefix = f"arn:{partition}:iam::{account_id}:policy/"
    entries = parameters["instance_profiles"]
    services: dict[str, Any] = {}
    if parameters["topology"] is not None:
        expanded = _expand(parameters["topology"], region, partition, account_id)
        entries = _derive(expanded, parameters)
        services = _services(expanded, prefix)
    wanted = read_wanted(
        [_with_common(entry, parameters) for entry in entries],
        trust_policy=trust_policy({"partition": partition}),
        tags=parameters["tags"],
        absent=absent,
    )
    edge = IamEdge(aws.client("iam"), prefix)
    every_inline = absent or parameters["purge_policies"]
    actual = concurrently(lambda item: edge.read(item, all_inline=every_inline, users=absent), wanted)
    if absent:
        _refuse_removals(wanted, actual, aws, force=parameters["force"])
        plans = [plan_absent(item, there, policy_arn_prefix=prefix) for item, there in zip(wanted, actual)]
    else:
        plans = [
            plan_present(
                item,
                there,
                policy_arn_prefix=prefix,
                purge_policies=parameters["purge_policies"],
                purge_tags=parameters["purge_tags"],
            )
            for item, there in zip(wanted, actual)
        ]
    after = [predict(item, there, steps) for item, there, steps in zip(wanted, actual, plans)]
    if not check_mode:
        concurrently(lambda steps: _apply(edge, steps), plans)
        created = [step.arguments["name"] for steps in plans for step in steps if step.method == "create_profile"]
        if created and parameters["wait"]:
            edge.wait_until_visible(created, parameters["wait_timeout"])
    return {
        "changed": any(plans),
        "diff": diff(
            {item.name: describe(there, prefix) for item, there in zip(wanted, actual) if describe(there, prefix)},
            {item.name: describe(there, prefix) for item, there in zip(wanted, after) if describe(there, prefix)},
        ),
        "instance_profiles": [_result(item, there, steps, prefix) for item, there, steps in zip(wanted, after, plans)],
        "services": services,
    }


def _expand(
    topology: object, region: str | None, partition: str | None = None, account_id: str | None = None
) -> Mapping[str, Any]:
    if not region:
        raise RefusedError("a topology needs the region of its queues: set region or AWS_REGION")
    return expand(topology, region=region, partition=partition, account_id=account_id)


def _derive(expanded: Mapping[str, Any], parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
    groups = {
        name: [value] if isinstance(value, str) else list(value)
        for name, value in (parameters["autoscaling_groups"] or {}).items()
    }
    principals = parameters["operator_principals"]
    chosen = parameters["services"]
    unknown = sorted(set(chosen or []) - set(expanded["services"]))
    if unknown:
        known = ", ".join(expanded["services"])
        raise RefusedError(f"services: the topology has no service {', '.join(unknown)}; declared are {known}")
    try:
        operator = [operator_role(expanded, principals)] if principals else []
        profiles = instance_profiles(expanded, groups)
    except ValueError as error:
        raise RefusedError(str(error)) from error
    if not chosen:
        return [*profiles, *operator]
    names = {expanded["services"][name]["instance_profile_name"] for name in chosen}
    return [profile for profile in profiles if profile["name"] in names]


def _with_common(entry: Mapping[str, Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry with what the module's options say for all of them; its own word goes first."""
    common = parameters["managed_policy_arns"]
    result = {**entry, "managed_policy_arns": [*common, *(entry.get("managed_policy_arns") or [])]}
    if result.get("permissions_boundary") is None:
        result["permissions_boundary"] = parameters["permissions_boundary"]
    return result


def _services(expanded: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    account = prefix[: -len("policy/")]
    return {
        name: {
            "instance_profile_name": service["instance_profile_name"],
            "instance_profile_arn": f"{account}instance-profile/{service['instance_profile_name']}",
            "role_name": service["role_name"],
            "role_arn": f"{account}role/{service['role_name']}",
            "policy_name": service["policy_name"],
            "policy_arn": prefix + service["policy_name"],
        }
        for name, service in expanded["services"].items()
    }


def _refuse_removals(wanted: list[Wanted], actual: list[dict[str, Any]], aws: Aws, *, force: bool) -> None:
    existing = [item.name for item, there in zip(wanted, actual) if there["profile"] is not None]
    users: dict[str, list[str]] = {}
    if existing and not force:
        users = Ec2Edge(aws.client("ec2"), timeout=0).users_of(existing)
    removed = [item.name for item in wanted]
    problems = Problems()
    for item, there in zip(wanted, actual):
        for reason in removal_problems(item, there, removed, users.get(item.name, [])):
            problems.add("", reason)
    if problems.errors:
        raise RefusedError("\n".join(problems.errors))


def _apply(edge: IamEdge, steps: Iterable[Step]) -> None:
    for step in steps:
        getattr(edge, step.method)(**step.arguments)


def _result(item: Wanted, there: Mapping[str, Any], steps: list[Step], prefix: str) -> dict[str, Any]:
    account = prefix[: -len("policy/")]
    return {
        "name": item.name,
        "arn": f"{account}instance-profile/{item.name}" if there["profile"] else None,
        "role_name": item.role,
        "role_arn": f"{account}role/{item.role}" if there["role"] else None,
        "policy_arns": sorted(there["role"]["attached"]) if there["role"] else [],
        "steps": [_words(step) for step in steps],
    }


def _words(step: Step) -> str:
    target = [str(value) for key, value in step.arguments.items() if key in ("name", "arn", "role", "identifier")]
    return f"{step.method.replace('_', ' ')} {' '.join(target)}"
