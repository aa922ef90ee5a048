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
from .._topology.expand import expand
from .._topology.names import Place, derive_in_account
from .api import IamApi
from .plan import describe, plan_absent, plan_present, predict, removal_problems
from .wanted import Wanted, read_parameters


def reconcile(parameters: Mapping[str, Any], aws: Aws) -> dict[str, Any]:
    """Return the module's result.

    :param parameters: the module's options.
    Raises InvalidInputError, RefusedError, and botocore's errors.
    """
    absent = parameters["state"] == "absent"
    topology = parameters["topology"]
    region = "" if topology is None else aws.region
    expanded = None if topology is None else expand(topology, region=region)
    place, wanted = derive_in_account(
        lambda place: (place, read_parameters(parameters, expanded, place)), region=region, caller=aws.caller
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
        "services": {} if expanded is None else _services(expanded, place),
    }


def _shown(wanted: list[Wanted], found: list[dict[str, Any]], place: Place) -> dict[str, Any]:
    shown = {item.name: describe(actual, place) for item, actual in zip(wanted, found)}
    return {name: value for name, value in shown.items() if value}


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
