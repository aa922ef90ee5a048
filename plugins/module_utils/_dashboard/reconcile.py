# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``dashboard``: reads the dashboard, compares its content, and, unless it is only asked, writes it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

# Where botocore is missing, AnsibleAWSModule says so, with the way out, before any of it is needed.
with suppress(ImportError):
    import botocore.exceptions

from .._aws.client import error_code
from .._aws.module import Aws, RefusedError, diff
from .._topology.dashboard import check_name, dashboard_body
from .._topology.expand import expand

GONE = ("ResourceNotFound", "DashboardNotFoundError")


def reconcile(
    parameters: Mapping[str, Any], aws: Aws, *, check_mode: bool, region: str | None = None
) -> dict[str, Any]:
    """Return the module's result.

    :param parameters: the module's options.
    :param region: where the queues of a topology are; needed with one.
    Raises InvalidInputError, RefusedError, and botocore's errors.
    """
    name = parameters["name"]
    check_name(name)
    absent = parameters["state"] == "absent"
    wanted = None if absent else _wanted(parameters, aws, region)
    client = aws.client("cloudwatch")
    actual = _read(client, name)
    changed = actual != wanted
    remarks: list[str] = []
    if changed and not check_mode:
        if wanted is None:
            client.delete_dashboards(DashboardNames=[name])
        else:
            # A dashboard is replaced as a whole.
            answer = client.put_dashboard(DashboardName=name, DashboardBody=json.dumps(wanted, separators=(",", ":")))
            remarks = [message["Message"] for message in answer.get("DashboardValidationMessages", [])]
    return {
        "changed": changed,
        "diff": diff(actual, wanted),
        "name": name,
        "body": wanted or {},
        "widgets": len((wanted or {}).get("widgets", [])),
        "remarks": remarks,
    }


def _wanted(parameters: Mapping[str, Any], aws: Aws, region: str | None) -> dict[str, Any]:
    if parameters["body"] is not None:
        return dict(parameters["body"])
    if not region:
        raise RefusedError("a topology needs the region of its queues: set region or AWS_REGION")
    # A fault of the topology is told before the first call.
    expand(parameters["topology"], region=region)
    partition, account_id = aws.account()
    return dashboard_body(
        expand(parameters["topology"], region=region, partition=partition, account_id=account_id),
        autoscaling_groups=parameters["autoscaling_groups"],
        backlog_targets=parameters["backlog_targets"],
        queues=parameters["queues"],
    )


def _read(client: Any, name: str) -> Any:
    """Return the dashboard parsed; None where there is none, and its text where that is no JSON."""
    try:
        body = client.get_dashboard(DashboardName=name)["DashboardBody"]
    except botocore.exceptions.ClientError as error:
        if error_code(error) not in GONE:
            raise
        return None
    try:
        return json.loads(body)
    except ValueError:
        return body
