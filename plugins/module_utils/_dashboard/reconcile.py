# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``dashboard``: reads the dashboard, compares its content, and, unless it is only asked, writes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._aws.run import Aws
from .._aws.steps import diff
from .._topology.dashboard import check_name, dashboard_body
from .._topology.expand import expand, in_place
from .._topology.names import Place, derive_in_account
from .api import DashboardApi


def reconcile(parameters: Mapping[str, Any], aws: Aws) -> dict[str, Any]:
    """Return the module's result.

    :param parameters: the module's options.
    Raises InvalidInputError, RefusedError, and botocore's errors.
    """
    name = parameters["name"]
    check_name(name)
    absent = parameters["state"] == "absent"
    wanted = None if absent else _wanted(parameters, aws)
    api = DashboardApi(aws.client("cloudwatch"))
    actual = api.read(name)
    changed = actual != wanted
    remarks: list[str] = []
    if changed and not aws.check_mode:
        if wanted is None:
            api.delete(name)
        else:
            remarks = api.put(name, wanted)
    return {
        "changed": changed,
        "diff": diff(actual, wanted),
        "name": name,
        "body": wanted or {},
        "widgets": len((wanted or {}).get("widgets", [])),
        "remarks": remarks,
    }


def _wanted(parameters: Mapping[str, Any], aws: Aws) -> dict[str, Any]:
    if parameters["body"] is not None:
        return dict(parameters["body"])
    expanded = expand(parameters["topology"], region=aws.region)

    def body(place: Place) -> dict[str, Any]:
        return dashboard_body(
            in_place(expanded, place),
            autoscaling_groups=parameters["autoscaling_groups"],
            backlog_targets=parameters["backlog_targets"],
            queues=parameters["queues"],
        )

    return derive_in_account(body, region=aws.region, caller=aws.caller)
