# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scaling of groups by the backlog of their queues that a module was asked for, checked. Pure: no I/O.

Why per instance (*Scaling policy based on Amazon SQS*, EC2 Auto Scaling user guide): the depth of a queue is not
proportional to capacity, so a target for it means something else with every instance that comes or goes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .._problems import Problems, as_number, join, show
from .._topology.scaling import GROUP_METRICS, HEARTBEAT_MAXIMUM, HEARTBEAT_MINIMUM, backlog_queries

TERMINATING = "autoscaling:EC2_INSTANCE_TERMINATING"
TARGET_MINIMUM, TARGET_MAXIMUM = 8.515920e-109, 1.174271e108
"""Source: API_TargetTrackingConfiguration.html."""


@dataclass(frozen=True)
class Wanted:
    """One group: its policies as PutScalingPolicy takes them, by name, and its hooks as PutLifecycleHook does."""

    group: str
    policies: dict[str, dict[str, Any]] = field(default_factory=dict)
    hooks: dict[str, dict[str, Any]] = field(default_factory=dict)
    metrics: tuple[str, ...] = ()


def target_value(acceptable_latency: float, processing_time: float, concurrency: float) -> float:
    """Return how many messages may wait for one instance, so that each is done in time.

    :param acceptable_latency: seconds that a message may take, waiting included.
    :param processing_time: seconds that one message takes on average.
    :param concurrency: messages that one instance works on at once.
    """
    return acceptable_latency / processing_time * concurrency


def read_wanted(entries: Iterable[Mapping[str, Any]]) -> list[Wanted]:
    """Return what the module's option asks for, by group, in the order given.

    Raises InvalidInputError with every fault: no target or two, numbers that make none, a policy or hook given twice.
    """
    problems = Problems()
    found: dict[str, Wanted] = {}
    for position, entry in enumerate(entries):
        path = f"scaling_policies[{position}]"
        group = found.setdefault(entry["autoscaling_group"], Wanted(entry["autoscaling_group"]))
        name = entry["name"]
        if name in group.policies:
            problems.add(join(path, "name"), f"{show(name)} is given twice for {group.group}")
        target = _read_target(entry, path, problems)
        group.policies[name] = _policy(entry, target)
        if entry.get("form", "backlog_per_instance") == "backlog_per_instance":
            found[group.group] = group = Wanted(group.group, group.policies, group.hooks, GROUP_METRICS)
        _add_hook(group, entry.get("drain"), join(path, "drain"), problems)
    problems.raise_if_any("scaling_policies")
    return list(found.values())


def _read_target(entry: Mapping[str, Any], path: str, problems: Problems) -> float:
    """Return the target value that an entry gives, or that follows from its latency, its time and its concurrency."""
    parts = ("acceptable_latency", "mean_processing_time", "concurrency")
    given = [key for key in parts if entry.get(key) is not None]
    numbers = {
        key: as_number(entry[key])
        for key in (*given, *(["target_value"] if entry.get("target_value") is not None else []))
    }
    before = len(problems.errors)
    bad = [key for key, number in numbers.items() if number is None or number <= 0]
    for key in bad:
        problems.add(join(path, key), f"{show(entry[key])} is not a number above 0")
    if ("target_value" in numbers) == bool(given) or (given and len(given) < len(parts)):
        problems.add(path, f"set either target_value, or {', '.join(parts)}, from which it follows")
    if len(problems.errors) > before:
        return 1.0
    if "target_value" in numbers:
        target = float(numbers["target_value"] or 0)
    else:
        target = target_value(*(numbers[key] or 0 for key in parts))
    if not TARGET_MINIMUM <= target <= TARGET_MAXIMUM:
        problems.add(path, f"a target value of {target} is not within {TARGET_MINIMUM} and {TARGET_MAXIMUM}")
    return target


def _policy(entry: Mapping[str, Any], target: float) -> dict[str, Any]:
    metric: dict[str, Any]
    if entry.get("form", "backlog_per_instance") == "queue_depth":
        metric = {
            "MetricName": "ApproximateNumberOfMessagesVisible",
            "Namespace": "AWS/SQS",
            "Dimensions": [{"Name": "QueueName", "Value": entry["queue_name"]}],
            "Statistic": "Average",
        }
    else:
        metric = {"Metrics": backlog_queries(entry["queue_name"], entry["autoscaling_group"])}
    policy: dict[str, Any] = {
        "PolicyType": "TargetTrackingScaling",
        "TargetTrackingConfiguration": {
            "CustomizedMetricSpecification": metric,
            "TargetValue": target,
            "DisableScaleIn": bool(entry.get("disable_scale_in")),
        },
    }
    if entry.get("estimated_instance_warmup") is not None:
        policy["EstimatedInstanceWarmup"] = entry["estimated_instance_warmup"]
    return policy


def _add_hook(group: Wanted, drain: Mapping[str, Any] | None, path: str, problems: Problems) -> None:
    if drain is None:
        return
    timeout = drain["heartbeat_timeout"]
    if not HEARTBEAT_MINIMUM <= timeout <= HEARTBEAT_MAXIMUM:
        problems.add(
            join(path, "heartbeat_timeout"),
            f"{timeout} is not within {HEARTBEAT_MINIMUM} and {HEARTBEAT_MAXIMUM} seconds",
        )
    hook = {
        "LifecycleTransition": TERMINATING,
        "HeartbeatTimeout": timeout,
        "DefaultResult": drain.get("default_result") or "CONTINUE",
    }
    if group.hooks.setdefault(drain["name"], hook) != hook:
        problems.add(path, f"{group.group} is given another hook {drain['name']} already")
