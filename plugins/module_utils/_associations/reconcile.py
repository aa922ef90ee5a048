# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``instance_profile_association``: reads all, plans all, and, unless it is only asked, does it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._aws.client import concurrently
from .._aws.run import Aws
from .._aws.steps import apply, diff
from .._problems import RefusedError
from .api import AssociationApi, UnknownProfileError
from .plan import explain_late, explain_unknown, moves, plan, predict
from .wanted import read_wanted


def reconcile(parameters: Mapping[str, Any], aws: Aws) -> dict[str, Any]:
    """Return the module's result.

    :param parameters: the module's options.
    Raises InvalidInputError, RefusedError, and botocore's errors.
    """
    wanted = read_wanted(parameters["associations"], absent=parameters["state"] == "absent")
    api = AssociationApi(aws.client("ec2"), parameters["wait_timeout"])
    actual = api.read(item.instance_id for item in wanted)
    steps = plan(
        wanted,
        actual,
        replaceable=parameters["replaceable"],
        require_imdsv2=parameters["require_imdsv2"],
        hop_limit=parameters["metadata_hop_limit"],
    )
    after = predict(actual, steps)
    if not aws.check_mode:
        timeout = parameters["wait_timeout"]
        try:
            concurrently(lambda step: apply(api, [step]), steps)
        except UnknownProfileError as error:
            raise RefusedError(explain_unknown(error.profile, timeout)) from error
        moved = moves(wanted, steps)
        late = api.wait_until_associated(moved) if moved and parameters["wait"] else []
        if late:
            raise RefusedError(explain_late(late, timeout))
    changed = {step.arguments["instance_id"] for step in steps}
    return {
        "changed": bool(steps),
        "diff": diff(
            {instance_id: _shown(actual[instance_id]) for instance_id in changed},
            {instance_id: _shown(after[instance_id]) for instance_id in changed},
        ),
        "associations": [
            {
                "instance_id": item.instance_id,
                "instance_profile": after[item.instance_id]["profile"],
                "previous_instance_profile": actual[item.instance_id]["profile"],
                "http_tokens": after[item.instance_id]["http_tokens"],
                "changed": item.instance_id in changed,
            }
            for item in wanted
        ],
    }


def _shown(instance: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "instance_profile": instance["profile"],
        "http_tokens": instance["http_tokens"],
        "hop_limit": instance["hop_limit"],
    }
