# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``vpc_endpoint``: reads the endpoint, plans, and, unless it is only asked, does it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from .._aws.module import Aws, RefusedError, diff
from .._topology.expand import expand
from .._topology.policies import endpoint_policy
from .plan import Document, Wanted, check_ids, plan_absent, plan_present, predict

POLL_SECONDS = 5
LIVE_STATES = ["pendingAcceptance", "pending", "available"]


def reconcile(
    parameters: Mapping[str, Any], aws: Aws, *, check_mode: bool, region: str | None = None
) -> dict[str, Any]:
    """Return the module's result.

    :param parameters: the module's options.
    :param region: where VPC and queues are.
    Raises InvalidInputError, RefusedError, and botocore's errors.
    """
    check_ids(parameters)
    if not region:
        raise RefusedError("the endpoint needs a region: set region or AWS_REGION")
    absent = parameters["state"] == "absent"
    tags = parameters["tags"]
    wanted = Wanted(
        vpc_id=parameters["vpc_id"],
        service_name=parameters["service_name"] or f"com.amazonaws.{region}.sqs",
        subnets=parameters["subnet_ids"],
        security_groups=parameters["security_group_ids"],
        private_dns=parameters["private_dns_enabled"],
        policy=None if absent else _policy(parameters, aws, region),
        tags=None if tags is None else {str(key): str(value) for key, value in tags.items()},
    )
    edge = VpcEndpointEdge(aws.client("ec2"))
    actual = edge.read(wanted)
    steps = plan_absent(actual) if absent else plan_present(wanted, actual, purge_tags=parameters["purge_tags"])
    after = predict(wanted, actual, steps)
    if not check_mode:
        for step in steps:
            getattr(edge, step.method)(**step.arguments)
        if steps and parameters["wait"] and not absent:
            after = edge.wait_until_available(wanted, parameters["wait_timeout"])
    return {"changed": bool(steps), "diff": diff(_shown(actual), _shown(after)), "vpc_endpoint": after or {}}


class VpcEndpointEdge:
    """EC2 as endpoints need it.

    :param client: a boto3 client of EC2.
    :param sleep: waits so many seconds; a test passes its own.
    """

    def __init__(self, client: Any, sleep: Callable[[float], None] = time.sleep) -> None:
        self._client = client
        self._sleep = sleep

    def read(self, wanted: Wanted) -> dict[str, Any] | None:
        """Return the endpoint, in the shape that module vpc_endpoints describes; None where there is none."""
        pages = self._client.get_paginator("describe_vpc_endpoints").paginate(
            Filters=[
                {"Name": "vpc-id", "Values": [wanted.vpc_id]},
                {"Name": "service-name", "Values": [wanted.service_name]},
                {"Name": "vpc-endpoint-type", "Values": ["Interface"]},
            ]
        )
        found = [item for page in pages for item in page["VpcEndpoints"]]
        live = [item for item in found if item["State"] in LIVE_STATES]
        return _endpoint(live[0]) if live else None

    def create(self, wanted: Wanted) -> None:
        settings: dict[str, Any] = {}
        if wanted.subnets:
            settings["SubnetIds"] = wanted.subnets
        if wanted.security_groups:
            settings["SecurityGroupIds"] = wanted.security_groups
        if wanted.policy is not None:
            settings["PolicyDocument"] = json.dumps(wanted.policy)
        if wanted.tags:
            settings["TagSpecifications"] = [{"ResourceType": "vpc-endpoint", "Tags": _to_tags(wanted.tags)}]
        self._client.create_vpc_endpoint(
            VpcEndpointType="Interface",
            VpcId=wanted.vpc_id,
            ServiceName=wanted.service_name,
            PrivateDnsEnabled=bool(wanted.private_dns),
            **settings,
        )

    def modify(self, endpoint_id: str, **changes: Any) -> None:
        names = {
            "add_subnets": "AddSubnetIds",
            "remove_subnets": "RemoveSubnetIds",
            "add_security_groups": "AddSecurityGroupIds",
            "remove_security_groups": "RemoveSecurityGroupIds",
            "private_dns": "PrivateDnsEnabled",
        }
        settings = {names[key]: value for key, value in changes.items() if key in names and value != []}
        if "policy" in changes:
            settings["PolicyDocument"] = json.dumps(changes["policy"])
        self._client.modify_vpc_endpoint(VpcEndpointId=endpoint_id, **settings)

    def tag(self, endpoint_id: str, tags: dict[str, str]) -> None:
        self._client.create_tags(Resources=[endpoint_id], Tags=_to_tags(tags))

    def untag(self, endpoint_id: str, keys: list[str]) -> None:
        self._client.delete_tags(Resources=[endpoint_id], Tags=[{"Key": key} for key in keys])

    def delete(self, endpoint_id: str) -> None:
        answer = self._client.delete_vpc_endpoints(VpcEndpointIds=[endpoint_id])
        for failure in answer.get("Unsuccessful", []):
            raise RefusedError(f"EC2 did not delete {endpoint_id}: {failure['Error'].get('Message')}")

    def wait_until_available(self, wanted: Wanted, timeout: int) -> dict[str, Any]:
        """Return the endpoint once it is available; raise RefusedError after ``timeout`` seconds."""
        for _attempt in range(timeout // POLL_SECONDS + 1):
            there = self.read(wanted)
            if there is not None and there["state"] == "available":
                return there
            self._sleep(POLL_SECONDS)
        raise RefusedError(
            f"after {timeout} s the endpoint of {wanted.vpc_id} is not available; does its owner have to accept it? "
            "Run again, or raise wait_timeout"
        )


def _policy(parameters: Mapping[str, Any], aws: Aws, region: str) -> Document | None:
    if parameters["topology"] is None:
        policy: Document | None = parameters["policy"]
        return policy
    # A fault of the topology is told before the first call.
    expand(parameters["topology"], region=region)
    partition, account_id = aws.account()
    return endpoint_policy(expand(parameters["topology"], region=region, partition=partition, account_id=account_id))


def _shown(endpoint: Mapping[str, Any] | None) -> dict[str, Any]:
    return {key: value for key, value in (endpoint or {}).items() if key not in ("id", "state")}


def _endpoint(found: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": found["VpcEndpointId"],
        "state": found["State"],
        "subnets": sorted(found.get("SubnetIds", [])),
        "security_groups": sorted(group["GroupId"] for group in found.get("Groups", [])),
        "private_dns": bool(found.get("PrivateDnsEnabled")),
        "policy": json.loads(found.get("PolicyDocument") or "{}"),
        "tags": {tag["Key"]: tag["Value"] for tag in found.get("Tags", [])},
    }


def _to_tags(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
