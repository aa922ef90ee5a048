"""Scaling of a group of workers by the backlog of its queue: the steps to what is wanted. Pure: no I/O.

An *actual* group is what ``api`` read: ``{metrics: {name: granularity}, policies: {name: ...}, hooks: {name: ...}}``
or None where there is no such group; policies and hooks as DescribePolicies and DescribeLifecycleHooks give them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .._aws.steps import Step
from .wanted import Wanted

NO_GROUP: Mapping[str, Any] = {"metrics": {}, "policies": {}, "hooks": {}}


def plan_present(wanted: Wanted, actual: Mapping[str, Any] | None) -> list[Step]:
    """Return the steps for one group; metrics first, or the new policy would scale on nothing."""
    group = actual or NO_GROUP
    steps = []
    missing = [name for name in wanted.metrics if group["metrics"].get(name) != "1Minute"]
    if missing:
        steps.append(Step("collect_metrics", {"group": wanted.group, "metrics": missing}))
    for name, hook in wanted.hooks.items():
        if _differs(hook, group["hooks"].get(name)):
            steps.append(Step("put_hook", {"group": wanted.group, "name": name, "settings": hook}))
    for name, policy in wanted.policies.items():
        found = group["policies"].get(name)
        if found is None or normalise(policy) != normalise(found):
            steps.append(Step("put_policy", {"group": wanted.group, "name": name, "settings": policy}))
    return steps


def plan_absent(wanted: Wanted, actual: Mapping[str, Any] | None) -> list[Step]:
    """Return the steps that remove policies and hooks; metrics collection stays, it may serve others."""
    group = actual or NO_GROUP
    return [
        *(
            Step("delete_policy", {"group": wanted.group, "name": name})
            for name in wanted.policies
            if name in group["policies"]
        ),
        *(
            Step("delete_hook", {"group": wanted.group, "name": name})
            for name in wanted.hooks
            if name in group["hooks"]
        ),
    ]


def normalise(policy: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a target-tracking policy says, with AWS's defaults, and without order where it has no meaning."""
    tracking = policy.get("TargetTrackingConfiguration") or {}
    metric = tracking.get("CustomizedMetricSpecification") or {}
    said: dict[str, Any] = {
        "PolicyType": policy.get("PolicyType"),
        "TargetValue": tracking.get("TargetValue") and float(tracking["TargetValue"]),
        "DisableScaleIn": bool(tracking.get("DisableScaleIn", False)),
        "EstimatedInstanceWarmup": _whole(policy.get("EstimatedInstanceWarmup")),
        "Metrics": {query["Id"]: _said(query) for query in metric.get("Metrics") or []},
        "Predefined": tracking.get("PredefinedMetricSpecification"),
    }
    for key in ("MetricName", "Namespace", "Statistic", "Unit"):
        said[key] = metric.get(key)
    said["Dimensions"] = sorted((item["Name"], item["Value"]) for item in metric.get("Dimensions") or [])
    return said


def describe(wanted: Wanted, actual: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return of a group what this module manages, for a diff."""
    if actual is None:
        return {}
    return {
        "metrics": {name: actual["metrics"][name] for name in wanted.metrics if name in actual["metrics"]},
        "policies": {
            name: {key: value for key, value in normalise(actual["policies"][name]).items() if value}
            for name in wanted.policies
            if name in actual["policies"]
        },
        "hooks": {
            name: {key: actual["hooks"][name].get(key) for key in hook}
            for name, hook in wanted.hooks.items()
            if name in actual["hooks"]
        },
    }


def predict(actual: Mapping[str, Any] | None, steps: Iterable[Step]) -> dict[str, Any]:
    """Return the group as it will be once ``steps`` are done."""
    after = {key: dict(value) for key, value in (actual or NO_GROUP).items()}
    for step in steps:
        given = step.arguments
        if step.method == "collect_metrics":
            after["metrics"].update(dict.fromkeys(given["metrics"], "1Minute"))
        elif step.method.startswith("put_"):
            after["policies" if step.method == "put_policy" else "hooks"][given["name"]] = given["settings"]
        else:
            del after["policies" if step.method == "delete_policy" else "hooks"][given["name"]]
    return after


def _differs(hook: Mapping[str, Any], actual: Mapping[str, Any] | None) -> bool:
    return actual is None or any(actual.get(key) != value for key, value in hook.items())


def _said(query: Mapping[str, Any]) -> dict[str, Any]:
    stat = query.get("MetricStat") or {}
    metric = stat.get("Metric") or {}
    return {
        "Expression": query.get("Expression") or None,
        "ReturnData": bool(query.get("ReturnData", True)),
        "Stat": stat.get("Stat"),
        "Metric": (metric.get("Namespace"), metric.get("MetricName")),
        "Dimensions": sorted((item["Name"], item["Value"]) for item in metric.get("Dimensions") or []),
    }


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)
