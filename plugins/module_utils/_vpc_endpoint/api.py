# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads and writes of interface endpoints. It decides nothing: that is ``plan``."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from .._aws.client import polls
from .._aws.documents import from_tags, to_tags
from .._problems import RefusedError
from .wanted import Wanted

POLL_SECONDS = 5
LIVE_STATES = ["pendingAcceptance", "pending", "available"]


class EndpointApi:
    """EC2 as endpoints need it.

    :param client: a boto3 client of EC2.
    :param sleep: waits so many seconds; a test passes its own.
    """

    def __init__(self, client: Any, sleep: Callable[[float], None] = time.sleep) -> None:
        self._client = client
        self._sleep = sleep

    def read(self, vpc_id: str, service_name: str) -> dict[str, Any] | None:
        """Return the endpoint, in the shape that ``plan`` describes; None where there is none."""
        pages = self._client.get_paginator("describe_vpc_endpoints").paginate(
            Filters=[
                {"Name": "vpc-id", "Values": [vpc_id]},
                {"Name": "service-name", "Values": [service_name]},
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
            settings["TagSpecifications"] = [{"ResourceType": "vpc-endpoint", "Tags": to_tags(wanted.tags)}]
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
        self._client.create_tags(Resources=[endpoint_id], Tags=to_tags(tags))

    def untag(self, endpoint_id: str, keys: list[str]) -> None:
        self._client.delete_tags(Resources=[endpoint_id], Tags=[{"Key": key} for key in keys])

    def delete(self, endpoint_id: str) -> None:
        """Delete the endpoint. Raises RefusedError with EC2's words."""
        answer = self._client.delete_vpc_endpoints(VpcEndpointIds=[endpoint_id])
        for failure in answer.get("Unsuccessful", []):
            raise RefusedError(f"EC2 did not delete {endpoint_id}: {failure['Error'].get('Message')}")

    def wait_until_available(self, vpc_id: str, service_name: str, timeout: int) -> dict[str, Any] | None:
        """Return the endpoint once it is available; None where it is not after ``timeout`` seconds."""
        for _last in polls(timeout, POLL_SECONDS, self._sleep):
            actual = self.read(vpc_id, service_name)
            if actual is not None and actual["state"] == "available":
                return actual
        return None


def _endpoint(found: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": found["VpcEndpointId"],
        "state": found["State"],
        "subnets": sorted(found.get("SubnetIds", [])),
        "security_groups": sorted(group["GroupId"] for group in found.get("Groups", [])),
        "private_dns": bool(found.get("PrivateDnsEnabled")),
        "policy": json.loads(found.get("PolicyDocument") or "{}"),
        "tags": from_tags(found.get("Tags")),
    }
