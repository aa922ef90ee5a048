# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The CloudWatch dashboard of a topology. Pure: no I/O.

From the top: the alarms that are on; for each queue what waits and is in flight, how old it is against its objective,
what comes in and goes out, and, where a group scales on it, backlog per instance and the group; the dead-letter queues.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from .._problems import Problems, as_number, show
from .names import place_of
from .scaling import BACKLOG_PER_INSTANCE, backlog_queries

Widget = dict[str, Any]

MAXIMUM_WIDGETS = 500
"""Widgets of one dashboard. Source: cloudwatch_limits.html."""
COLUMNS = 24
HEIGHT = 6
MAXIMUM_ALARMS = 100
"""Alarms that one widget shows. Source: CloudWatch-Dashboard-Body-Structure.html."""
_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")


def check_name(name: str) -> None:
    """Raise InvalidInputError for a name that CloudWatch does not take. Source: API_PutDashboard.html."""
    problems = Problems()
    if not _NAME.fullmatch(name):
        problems.add(
            "name", f"{show(name)} has other characters than letters, digits, - and _, or is not 1 to 255 long"
        )
    problems.raise_if_any("dashboard")


def dashboard_body(
    expanded: Mapping[str, Any],
    *,
    autoscaling_groups: Mapping[str, str] | None = None,
    backlog_targets: Mapping[str, float] | None = None,
    queues: Iterable[str] | None = None,
) -> dict[str, Any]:
    """Return the dashboard as ``PutDashboard`` takes it, parsed.

    :param expanded: the expanded topology, with an account, because alarms are shown by ARN.
    :param autoscaling_groups: the name of the group whose instances run a service, by service.
    :param backlog_targets: messages per instance that the group aims at, by service.
    :param queues: keys of the queues to show; all when None.
    Raises InvalidInputError for an unknown service or queue, and for more widgets than a dashboard holds.
    """
    groups, targets = autoscaling_groups or {}, backlog_targets or {}
    chosen = list(expanded["queues"]) if queues is None else list(queues)
    _check(expanded, groups, targets, chosen)
    shown = [expanded["queues"][key] for key in chosen]
    names = {queue["name"] for queue in shown}
    alarms = [alarm["AlarmName"] for alarm in expanded["alarms"] if _about(alarm) & names]
    rows = [[_alarms_widget(expanded, chunk)] for chunk in _chunks(alarms)]
    region = expanded["region"]
    for queue in shown:
        if queue["dead_letter"]:
            rows.append([_depth(queue, region), _age(queue, region, expanded["alarms"])])
        else:
            rows.append([_depth(queue, region), _age(queue, region, expanded["alarms"]), _rates(queue, region)])
            rows += [
                [_backlog(queue, region, groups[name], targets.get(name)), _group(groups[name], region)]
                for name in queue["consumers"]
                if name in groups
            ]
    widgets = [widget for row in rows for widget in row]
    if len(widgets) > MAXIMUM_WIDGETS:
        problems = Problems()
        problems.add("queues", f"{len(widgets)} widgets are above {MAXIMUM_WIDGETS}; choose fewer queues by queues")
        problems.raise_if_any("dashboard")
    return {"widgets": _placed(rows)}


def _check(
    expanded: Mapping[str, Any], groups: Mapping[str, str], targets: Mapping[str, float], queues: Iterable[str]
) -> None:
    problems = Problems()
    for option, names in (("autoscaling_groups", groups), ("backlog_targets", targets)):
        for name in names:
            if name not in expanded["services"]:
                problems.add(
                    f"{option}.{name}", f"there is no such service; there are {', '.join(expanded['services'])}"
                )
    for name, target in targets.items():
        if target is not None and as_number(target) is None:
            problems.add(
                f"backlog_targets.{name}", f"{show(target)} is not a number of messages; leave it out for no line"
            )
    for key in queues:
        if key not in expanded["queues"]:
            problems.add("queues", f"there is no queue {show(key)}; there are {', '.join(expanded['queues'])}")
    problems.raise_if_any("dashboard")


def _placed(rows: Iterable[list[Widget]]) -> list[Widget]:
    """Return the widgets with their places; those of a row share its width."""
    placed, top = [], 0
    for row in rows:
        width = COLUMNS // len(row)
        for column, widget in enumerate(row):
            placed.append({"x": column * width, "y": top, "width": width, "height": HEIGHT, **widget})
        top += HEIGHT
    return placed


def _chunks(names: list[str]) -> list[list[str]]:
    return [names[start : start + MAXIMUM_ALARMS] for start in range(0, len(names), MAXIMUM_ALARMS)]


def _about(alarm: Mapping[str, Any]) -> set[str]:
    """Return the names of the queues that an alarm watches."""
    metrics = [alarm, *(item.get("MetricStat", {}).get("Metric", {}) for item in alarm.get("Metrics", []))]
    return {dimension["Value"] for metric in metrics for dimension in metric.get("Dimensions", [])}


def _alarms_widget(expanded: Mapping[str, Any], names: list[str]) -> Widget:
    arns = [place_of(expanded).arn("cloudwatch", f"alarm:{name}") for name in names]
    return {"type": "alarm", "properties": {"title": "Alarms", "alarms": arns}}


def _graph(title: str, region: str, metrics: list[Any], **properties: Any) -> Widget:
    return {
        "type": "metric",
        "properties": {
            "title": title,
            "region": region,
            "view": "timeSeries",
            "period": 60,
            "stat": "Maximum",
            "metrics": metrics,
            "yAxis": {"left": {"min": 0}},
            **properties,
        },
    }


def _of(queue: Mapping[str, Any], metric: str, label: str, **options: Any) -> list[Any]:
    return ["AWS/SQS", metric, "QueueName", queue["name"], {"label": label, **options}]


def _depth(queue: Mapping[str, Any], region: str) -> Widget:
    metrics = [_of(queue, "ApproximateNumberOfMessagesVisible", "waiting")]
    if not queue["dead_letter"]:
        metrics += [
            _of(queue, "ApproximateNumberOfMessagesNotVisible", "in flight"),
            _of(queue, "ApproximateNumberOfMessagesDelayed", "delayed"),
        ]
    return _graph(f"{queue['name']}: messages", region, metrics)


def _age(queue: Mapping[str, Any], region: str, alarms: Iterable[Mapping[str, Any]]) -> Widget:
    metrics = [_of(queue, "ApproximateAgeOfOldestMessage", "age of the oldest, seconds")]
    limits = [
        alarm["Threshold"]
        for alarm in alarms
        if alarm.get("MetricName") == "ApproximateAgeOfOldestMessage" and queue["name"] in _about(alarm)
    ]
    marks = [{"label": "objective", "value": limit} for limit in limits]
    return _graph(f"{queue['name']}: age", region, metrics, **({"annotations": {"horizontal": marks}} if marks else {}))


def _rates(queue: Mapping[str, Any], region: str) -> Widget:
    metrics = [
        _of(queue, "NumberOfMessagesSent", "sent", stat="Sum"),
        _of(queue, "NumberOfMessagesReceived", "received", stat="Sum"),
        _of(queue, "NumberOfMessagesDeleted", "finished", stat="Sum"),
        _of(queue, "NumberOfEmptyReceives", "empty polls", stat="Sum", yAxis="right"),
    ]
    return _graph(f"{queue['name']}: per minute", region, metrics)


def _backlog(queue: Mapping[str, Any], region: str, group: str, target: float | None) -> Widget:
    metrics: list[Any] = []
    for query in backlog_queries(queue["name"], group):
        if "Expression" in query:
            metrics.append([{"id": query["Id"], "expression": query["Expression"], "label": query["Label"]}])
        else:
            stat = query["MetricStat"]
            (dimension,) = stat["Metric"]["Dimensions"]
            metrics.append(
                [
                    stat["Metric"]["Namespace"],
                    stat["Metric"]["MetricName"],
                    dimension["Name"],
                    dimension["Value"],
                    {"id": query["Id"], "stat": stat["Stat"], "visible": False},
                ]
            )
    marks = [] if target is None else [{"label": "target", "value": float(target)}]
    title = f"{queue['name']}: {BACKLOG_PER_INSTANCE}"
    return _graph(title, region, metrics, **({"annotations": {"horizontal": marks}} if marks else {}))


def _group(group: str, region: str) -> Widget:
    metrics = [
        ["AWS/AutoScaling", metric, "AutoScalingGroupName", group, {"label": label}]
        for metric, label in (("GroupDesiredCapacity", "desired"), ("GroupInServiceInstances", "in service"))
    ]
    return _graph(f"{group}: instances", region, metrics)
