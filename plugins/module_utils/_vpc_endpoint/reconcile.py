# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``vpc_endpoint``: reads the endpoint, plans, and, unless it is only asked, does it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._aws.documents import same_policy
from .._aws.run import Aws
from .._aws.steps import apply, diff
from .._problems import RefusedError
from .._topology.expand import expand, in_place
from .._topology.names import derive_in_account, endpoint_service_name
from .._topology.policies import Document, endpoint_policy
from .api import EndpointApi
from .plan import explain_late, plan_absent, plan_present, predict
from .wanted import Wanted, check_ids


def reconcile(parameters: Mapping[str, Any], aws: Aws) -> dict[str, Any]:
    """Return the module's result.

    :param parameters: the module's options.
    Raises InvalidInputError, RefusedError, and botocore's errors.
    """
    check_ids(parameters)
    absent = parameters["state"] == "absent"
    service_name = parameters["service_name"] or endpoint_service_name(aws.region)
    tags = parameters["tags"]
    wanted = Wanted(
        vpc_id=parameters["vpc_id"],
        service_name=service_name,
        subnets=parameters["subnet_ids"],
        security_groups=parameters["security_group_ids"],
        private_dns=parameters["private_dns_enabled"],
        policy=None if absent else _policy(parameters, aws),
        tags=None if tags is None else {str(key): str(value) for key, value in tags.items()},
    )
    api = EndpointApi(aws.client("ec2"))
    actual = api.read(wanted.vpc_id, service_name)
    if absent:
        steps = plan_absent(actual)
    else:
        steps = plan_present(wanted, actual, purge_tags=parameters["purge_tags"], same_policy=same_policy)
    after = predict(wanted, actual, steps)
    if not aws.check_mode:
        apply(api, steps)
        if steps and parameters["wait"] and not absent:
            after = api.wait_until_available(wanted.vpc_id, service_name, parameters["wait_timeout"])
            if after is None:
                raise RefusedError(explain_late(wanted, parameters["wait_timeout"]))
    return {"changed": bool(steps), "diff": diff(_shown(actual), _shown(after)), "vpc_endpoint": after or {}}


def _policy(parameters: Mapping[str, Any], aws: Aws) -> Document | None:
    if parameters["topology"] is None:
        policy: Document | None = parameters["policy"]
        return policy
    expanded = expand(parameters["topology"], region=aws.region)
    return derive_in_account(
        lambda place: endpoint_policy(in_place(expanded, place)),
        region=aws.region,
        caller=aws.caller,
    )


def _shown(endpoint: Mapping[str, Any] | None) -> dict[str, Any]:
    return {key: value for key, value in (endpoint or {}).items() if key not in ("id", "state")}
