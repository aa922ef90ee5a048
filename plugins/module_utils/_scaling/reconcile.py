# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``scaling_policy``: reads all, plans all, and, unless it is only asked, does it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._aws.client import concurrently
from .._aws.run import Aws
from .._aws.steps import apply, diff
from .._problems import RefusedError
from .api import AutoScalingApi
from .plan import describe, plan_absent, plan_present, predict
from .wanted import read_wanted


def reconcile(parameters: Mapping[str, Any], aws: Aws) -> dict[str, Any]:
    """Return the module's result.

    :param parameters: the module's options.
    Raises InvalidInputError, RefusedError, and botocore's errors.
    """
    absent = parameters["state"] == "absent"
    wanted = read_wanted(parameters["scaling_policies"])
    api = AutoScalingApi(aws.client("autoscaling"))
    actual = api.read(item.group for item in wanted)
    missing = [item.group for item in wanted if item.group not in actual]
    # In check mode a group may be missing because the task that makes it was not run either.
    if missing and not absent and not aws.check_mode:
        raise RefusedError(f"there is no auto-scaling group {', '.join(missing)} in this region; make it first")
    planner = plan_absent if absent else plan_present
    plans = [planner(item, actual.get(item.group)) for item in wanted]
    if not aws.check_mode:
        concurrently(lambda steps: apply(api, steps), plans)
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
                "steps": [step.words for step in steps],
            }
            for item, steps in zip(wanted, plans)
        ],
    }
