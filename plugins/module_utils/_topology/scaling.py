# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scaling policies of a topology, and the figure that they scale on. Pure: no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._problems import Problems, join, show
from .names import scaling_policy_name

BACKLOG_PER_INSTANCE = "backlog per instance"
GROUP_METRICS = ("GroupInServiceInstances", "GroupDesiredCapacity")
"""What backlog per instance and the dashboard need; without collection they have no data."""
HEARTBEAT_MINIMUM, HEARTBEAT_MAXIMUM = 30, 7200
"""Seconds. Source: API_PutLifecycleHook.html."""


def scaling_policies(expanded: Mapping[str, Any], groups: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the policies of the groups of services, one for each queue consumed, as the module's option takes them.

    :param groups: for each service the settings of its policies, ``autoscaling_group`` among them.
    Raises InvalidInputError for an unknown service, or one that consumes nothing.
    """
    problems = Problems()
    entries = []
    for name, settings in groups.items():
        path = join("groups", name)
        service = expanded["services"].get(name)
        if not isinstance(settings, Mapping) or not settings.get("autoscaling_group"):
            problems.add(path, f"{show(settings)} has to be a mapping with autoscaling_group, the name of the group")
        elif service is None:
            problems.add(path, f"there is no such service; there are {', '.join(expanded['services'])}")
        elif not service["workers"]:
            problems.add(path, "the service consumes no queue, so that there is no backlog to scale on")
        else:
            stop = max(worker["stop_timeout"] for worker in service["workers"])
            drain = {"heartbeat_timeout": min(max(stop, HEARTBEAT_MINIMUM), HEARTBEAT_MAXIMUM)}
            for worker in service["workers"]:
                own_name = scaling_policy_name(
                    settings.get("form", ""), worker["queue"], of_several=len(service["workers"]) > 1
                )
                queue_name = expanded["queues"][worker["queue"]]["name"]
                entries.append({"name": own_name, "drain": drain, **settings, "queue_name": queue_name})
    problems.raise_if_any("scaling_policies")
    return entries


def backlog_queries(queue_name: str, group: str) -> list[dict[str, Any]]:
    """Return the metric math of messages, waiting and in flight, for each instance in service.

    The fills keep the figure where a metric has no data: an idle queue is 0, and no instance counts as one.
    """
    expression = "(waiting + FILL(in_flight,0)) / IF(FILL(instances,0)>0, instances, 1)"
    return [
        {"Id": "backlog", "Expression": expression, "Label": BACKLOG_PER_INSTANCE, "ReturnData": True},
        _query("waiting", "AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", queue_name, "Sum"),
        _query("in_flight", "AWS/SQS", "ApproximateNumberOfMessagesNotVisible", "QueueName", queue_name, "Sum"),
        _query("instances", "AWS/AutoScaling", "GroupInServiceInstances", "AutoScalingGroupName", group, "Average"),
    ]


def _query(name: str, namespace: str, metric: str, dimension: str, value: str, stat: str) -> dict[str, Any]:  # noqa: PLR0917
    return {
        "Id": name,
        "MetricStat": {
            "Metric": {
                "Namespace": namespace,
                "MetricName": metric,
                "Dimensions": [{"Name": dimension, "Value": value}],
            },
            "Stat": stat,
        },
        "ReturnData": False,
    }
