# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``instance_profile``: reads all, plans all, and, unless it is only asked, does it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._associations.api import AssociationApi
from .._aws.client import concurrently
from .._aws.documents import same_policy
from .._aws.run import Aws
from .._aws.steps import Step, apply, diff
from .._problems import Problems, RefusedError
from .._topology.expand import expand_in_account
from .._topology.names import Place, place_of
from .._topology.policies import instance_profiles, operator_role, trust_policy
from .api import IamApi
from .plan import describe, plan_absent, plan_present, predict, removal_problems
from .wanted import Wanted, read_wanted


def reconcile(parameters: Mapping[str, Any], aws: Aws) -> dict[str, Any]:
    """Return the module's result.

    :param parameters: the module's options.
    Raises InvalidInputError, RefusedError, and botocore's errors.
    """
    absent = parameters["state"] == "absent"
    services: dict[str, Any] = {}
    if parameters["topology"] is None:
        partition, account_id = aws.account()
        place = Place(region="", account_id=account_id, partition=partition)
        entries = parameters["instance_profiles"]
    else:
        expanded = expand_in_account(parameters["topology"], region=aws.region, account=aws.account)
        place = place_of(expanded)
        entries = _derive(expanded, parameters)
        services = _services(expanded, place)
    wanted = read_wanted(
        [_with_common(entry, parameters) for entry in entries],
        trust_policy=trust_policy({"partition": place.partition}),
        tags=parameters["tags"],
        absent=absent,
    )
    api = IamApi(aws.client("iam"), place)
    every_inline = absent or parameters["purge_policies"]
    actual = concurrently(lambda item: api.read(item, all_inline=every_inline, users=absent), wanted)
    if absent:
        _refuse_removals(wanted, actual, aws, force=parameters["force"])
        plans = [plan_absent(item, found, place=place) for item, found in zip(wanted, actual)]
    else:
        plans = [
            plan_present(
                item,
                found,
                place=place,
                purge_policies=parameters["purge_policies"],
                purge_tags=parameters["purge_tags"],
                same_policy=same_policy,
            )
            for item, found in zip(wanted, actual)
        ]
    after = [predict(item, found, steps) for item, found, steps in zip(wanted, actual, plans)]
    if not aws.check_mode:
        concurrently(lambda steps: apply(api, steps), plans)
        created = [step.arguments["name"] for steps in plans for step in steps if step.method == "create_profile"]
        if created and parameters["wait"]:
            api.wait_until_visible(created, parameters["wait_timeout"])
    return {
        "changed": any(plans),
        "diff": diff(
            _shown(wanted, actual, place),
            _shown(wanted, after, place),
        ),
        "instance_profiles": [_result(item, found, steps, place) for item, found, steps in zip(wanted, after, plans)],
        "services": services,
    }


def _shown(wanted: list[Wanted], found: list[dict[str, Any]], place: Place) -> dict[str, Any]:
    shown = {item.name: describe(actual, place) for item, actual in zip(wanted, found)}
    return {name: value for name, value in shown.items() if value}


def _derive(expanded: Mapping[str, Any], parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
    groups = {
        name: [value] if isinstance(value, str) else list(value)
        for name, value in (parameters["autoscaling_groups"] or {}).items()
    }
    principals = parameters["operator_principals"]
    chosen = parameters["services"]
    unknown = sorted(set(chosen or []) - set(expanded["services"]))
    if unknown:
        declared = ", ".join(expanded["services"])
        raise RefusedError(f"services: the topology has no service {', '.join(unknown)}; declared are {declared}")
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


def _services(expanded: Mapping[str, Any], place: Place) -> dict[str, Any]:
    return {
        name: {
            "instance_profile_name": service["instance_profile_name"],
            "instance_profile_arn": place.arn("iam", f"instance-profile/{service['instance_profile_name']}"),
            "role_name": service["role_name"],
            "role_arn": place.arn("iam", f"role/{service['role_name']}"),
            "policy_name": service["policy_name"],
            "policy_arn": place.arn("iam", f"policy/{service['policy_name']}"),
        }
        for name, service in expanded["services"].items()
    }


def _refuse_removals(wanted: list[Wanted], actual: list[dict[str, Any]], aws: Aws, *, force: bool) -> None:
    existing = [item.name for item, found in zip(wanted, actual) if found["profile"] is not None]
    users: dict[str, list[str]] = {}
    if existing and not force:
        users = AssociationApi(aws.client("ec2"), timeout=0).users_of(existing)
    removed = [item.name for item in wanted]
    problems = Problems()
    for item, found in zip(wanted, actual):
        for reason in removal_problems(item, found, removed, users.get(item.name, [])):
            problems.add("", reason)
    if problems.errors:
        raise RefusedError("\n".join(problems.errors))


def _result(item: Wanted, actual: Mapping[str, Any], steps: list[Step], place: Place) -> dict[str, Any]:
    return {
        "name": item.name,
        "arn": place.arn("iam", f"instance-profile/{item.name}") if actual["profile"] else None,
        "role_name": item.role,
        "role_arn": place.arn("iam", f"role/{item.role}") if actual["role"] else None,
        "policy_arns": sorted(actual["role"]["attached"]) if actual["role"] else [],
        "steps": [step.words for step in steps],
    }
