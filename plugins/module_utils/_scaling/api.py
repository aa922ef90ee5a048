# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads and writes of scaling policies and lifecycle hooks. It decides nothing: that is ``plan``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .._aws.client import concurrently


class AutoScalingApi:
    """EC2 Auto Scaling as scaling on backlog needs it.

    :param client: a boto3 client of Auto Scaling.
    """

    def __init__(self, client: Any) -> None:
        self._client = client

    def read(self, names: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Return the groups that exist, by name, in the shape that ``plan`` describes."""
        pages = self._client.get_paginator("describe_auto_scaling_groups").paginate(AutoScalingGroupNames=list(names))
        groups = [group for page in pages for group in page["AutoScalingGroups"]]
        read = concurrently(self._read_group, groups)
        return {group["AutoScalingGroupName"]: actual for group, actual in zip(groups, read)}

    def collect_metrics(self, group: str, metrics: list[str]) -> None:
        self._client.enable_metrics_collection(AutoScalingGroupName=group, Metrics=metrics, Granularity="1Minute")

    def put_policy(self, group: str, name: str, settings: dict[str, Any]) -> None:
        self._client.put_scaling_policy(AutoScalingGroupName=group, PolicyName=name, **settings)

    def delete_policy(self, group: str, name: str) -> None:
        self._client.delete_policy(AutoScalingGroupName=group, PolicyName=name)

    def put_hook(self, group: str, name: str, settings: dict[str, Any]) -> None:
        self._client.put_lifecycle_hook(AutoScalingGroupName=group, LifecycleHookName=name, **settings)

    def delete_hook(self, group: str, name: str) -> None:
        self._client.delete_lifecycle_hook(AutoScalingGroupName=group, LifecycleHookName=name)

    def _read_group(self, group: dict[str, Any]) -> dict[str, Any]:
        name = group["AutoScalingGroupName"]
        pages = self._client.get_paginator("describe_policies").paginate(AutoScalingGroupName=name)
        hooks = self._client.describe_lifecycle_hooks(AutoScalingGroupName=name)["LifecycleHooks"]
        return {
            "metrics": {item["Metric"]: item["Granularity"] for item in group.get("EnabledMetrics", [])},
            "policies": {policy["PolicyName"]: policy for page in pages for policy in page["ScalingPolicies"]},
            "hooks": {hook["LifecycleHookName"]: hook for hook in hooks},
        }
