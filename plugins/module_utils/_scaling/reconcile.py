# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``scaling_policy``: reads all, plans all, and, unless it is only asked, does it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .._aws.client import concurrently
from .._aws.module import Aws, RefusedError, diff
from .api import AutoScalingEdge
from .plan import Step, describe, plan_absent, plan_present, predict, read_wanted


def reconcile(parameters: Mapping[str, Any], aws: Aws, *, check_mode: bool) -> dict[str, Any]:
    """Return the module's result.

    :param parameters: the module's options.
    Raises InvalidInputError, RefusedError, and botocore's errors.
    """
    absent = parameters["state"] == "absent"
    wanted = read_wanted(parameters["scaling_policies"])
    edge = AutoScalingEdge(aws.client("autoscaling"))
    actual = edge.read(wanted)
    missing = [item.group for item in wanted if item.group not in actual]
    # In check mode a group may be missing because the task that makes it was not run either.
    if missing and not absent and not check_mode:
        raise RefusedError(f"there is no auto-scaling group {', '.join(missing)} in this region; make it first")
    planner = plan_absent if absent else plan_present
    plans = [planner(item, actual.get(item.group)) for item in wanted]
    if not check_mode:
        concurrently(lambda steps: _apply(edge, steps), plans)
    before = {item.group: describe(item, actual.get(item.group)) for item in wanted}
    after = {
        item.group: describe(item, predict(actual.get(item.group), steps) if steps else actual.get(item.group))
        for item, steps in zip(wanted, plans)
    }
    return {
        "changed": any(plans),
        "diff": diff(before, after),
        "groups": [
            {
                "autoscaling_group": item.group,
                "target_values": {
                    name: policy["TargetTrackingConfiguration"]["TargetValue"] for name, policy in item.policies.items()
                },
                "steps": [_words(step) for step in steps],
            }
            for item, steps in zip(wanted, plans)
        ],
    }


def _apply(edge: AutoScalingEdge, steps: Iterable[Step]) -> None:
    for step in steps:
        getattr(edge, step.method)(**step.arguments)


def _words(step: Step) -> str:
    return f"{step.method.replace('_', ' ')} {step.arguments.get('name') or ', '.join(step.arguments['metrics'])}"
