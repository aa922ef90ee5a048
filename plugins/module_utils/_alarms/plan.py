# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Alarms as they are wanted and as they are: reading, comparing, and the difference. Pure: no I/O.

``PutMetricAlarm`` replaces an alarm as a whole, so what an alarm does not say has AWS's default, and two alarms are the
same when all they say and do not say is.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .._problems import Problems, as_boolean, as_integer, as_number, join, show
from .._topology.alarms import MISSING_DATA, check_actions

Alarm = dict[str, Any]

SETTINGS = (
    "AlarmDescription",
    "ActionsEnabled",
    "OKActions",
    "AlarmActions",
    "InsufficientDataActions",
    "MetricName",
    "Namespace",
    "Statistic",
    "ExtendedStatistic",
    "Dimensions",
    "Period",
    "Unit",
    "EvaluationPeriods",
    "DatapointsToAlarm",
    "Threshold",
    "ComparisonOperator",
    "TreatMissingData",
    "EvaluateLowSampleCountPercentile",
    "Metrics",
    "ThresholdMetricId",
)
"""What PutMetricAlarm takes and DescribeAlarms gives back, without the name."""
ACTIONS = ("OKActions", "AlarmActions", "InsufficientDataActions")
NAME_MAXIMUM, DESCRIPTION_MAXIMUM = 255, 1024
"""Characters. Source: API_PutMetricAlarm.html."""

_NUMBERS = {
    "Period": as_integer,
    "EvaluationPeriods": as_integer,
    "DatapointsToAlarm": as_integer,
    "Threshold": as_number,
    "ActionsEnabled": as_boolean,
}
_COMPARISONS = (
    "GreaterThanOrEqualToThreshold",
    "GreaterThanThreshold",
    "LessThanThreshold",
    "LessThanOrEqualToThreshold",
    "LessThanLowerOrGreaterThanUpperThreshold",
    "LessThanLowerThreshold",
    "GreaterThanUpperThreshold",
)
_STATISTICS = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")


@dataclass(frozen=True)
class Plan:
    """What is to be done: alarms to put, because they are new or because they differ, and names to delete."""

    create: list[Alarm] = field(default_factory=list)
    update: list[Alarm] = field(default_factory=list)
    delete: list[str] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        return not (self.create or self.update or self.delete)


def read_alarms(values: Iterable[Mapping[str, Any]]) -> list[Alarm]:
    """Return the alarms of the module's option, numbers that came as text made numbers.

    Raises InvalidInputError with every fault: a key PutMetricAlarm does not have, a value outside its limits, an alarm
    on neither or on both of a metric and metric math, a name given twice.
    """
    problems = Problems()
    found: dict[str, Alarm] = {}
    for position, value in enumerate(values):
        path = f"alarms[{position}]"
        alarm = {key: _number(key, item) for key, item in value.items() if item is not None}
        name = alarm.get("AlarmName")
        if not isinstance(name, str) or not 1 <= len(name) <= NAME_MAXIMUM:
            problems.add(join(path, "AlarmName"), f"{show(name)} is not a name of 1 to {NAME_MAXIMUM} characters")
            continue
        if name in found:
            problems.add(join(path, "AlarmName"), f"{show(name)} is given twice")
        found[name] = alarm
        _check(alarm, path, problems)
    problems.raise_if_any("alarms")
    return list(found.values())


def plan(
    wanted: Iterable[Alarm], actual: Mapping[str, Mapping[str, Any]], *, absent: bool, unwanted: Iterable[str] = ()
) -> Plan:
    """Return the difference.

    :param actual: alarms by name as DescribeAlarms gives them.
    :param absent: the wanted ones are to be deleted.
    :param unwanted: names of further alarms that are to be deleted.
    """
    if absent:
        return Plan(delete=[alarm["AlarmName"] for alarm in wanted if alarm["AlarmName"] in actual])
    result = Plan(delete=sorted(unwanted))
    for alarm in wanted:
        there = actual.get(alarm["AlarmName"])
        if there is None:
            result.create.append(alarm)
        elif normalise(there) != normalise(alarm):
            result.update.append(alarm)
    return result


def normalise(alarm: Mapping[str, Any]) -> Alarm:
    """Return what an alarm says, with AWS's defaults filled in and without order where order has no meaning."""
    said = {key: alarm[key] for key in SETTINGS if alarm.get(key) not in (None, "", [])}
    said.setdefault("ActionsEnabled", True)
    said.setdefault("TreatMissingData", "missing")
    said.setdefault("DatapointsToAlarm", said.get("EvaluationPeriods"))
    for key in ACTIONS:
        said[key] = sorted(said.get(key, []))
    if "Threshold" in said:
        said["Threshold"] = float(said["Threshold"])
    if "Dimensions" in said:
        said["Dimensions"] = _dimensions(said["Dimensions"])
    if "Metrics" in said:
        said["Metrics"] = sorted((_metric(item) for item in said["Metrics"]), key=lambda item: str(item["Id"]))
    return said


def targets(alarms: Iterable[Alarm]) -> list[tuple[str, str]]:
    """Return pairs of alarm and action that together reach every action at least once, with as few alarms as possible.

    Only what an alarm does when it goes to ALARM counts.
    """
    seen: dict[str, str] = {}
    for alarm in alarms:
        if alarm.get("ActionsEnabled", True):
            for action in alarm.get("AlarmActions", []):
                seen.setdefault(action, alarm["AlarmName"])
    return [(name, action) for action, name in seen.items()]


def _number(key: str, value: object) -> object:
    if key not in _NUMBERS:
        return value
    read = _NUMBERS[key](value)
    return value if read is None else read


def _metric(item: Mapping[str, Any]) -> Alarm:
    metric: Alarm = {key: value for key, value in item.items() if value not in (None, "")}
    metric.setdefault("ReturnData", True)
    if "MetricStat" in metric:
        stat = {key: value for key, value in metric["MetricStat"].items() if value not in (None, "")}
        inner = dict(stat["Metric"])
        inner["Dimensions"] = _dimensions(inner.get("Dimensions") or [])
        metric["MetricStat"] = {**stat, "Metric": inner}
    return metric


def _dimensions(values: Iterable[Mapping[str, Any]]) -> list[Alarm]:
    return sorted((dict(item) for item in values), key=lambda item: json.dumps(item, sort_keys=True))


def _check(alarm: Alarm, path: str, problems: Problems) -> None:
    for key in sorted(set(alarm) - {"AlarmName", *SETTINGS}):
        problems.add(join(path, key), "unknown key; known are AlarmName, " + ", ".join(SETTINGS))
    if len(str(alarm.get("AlarmDescription", ""))) > DESCRIPTION_MAXIMUM:
        problems.add(join(path, "AlarmDescription"), f"has more than {DESCRIPTION_MAXIMUM} characters")
    for key, choices in (
        ("ComparisonOperator", _COMPARISONS),
        ("TreatMissingData", MISSING_DATA),
        ("Statistic", _STATISTICS),
    ):
        if key in alarm and alarm[key] not in choices:
            problems.add(join(path, key), f"{show(alarm[key])} is not one of {', '.join(choices)}")
    for key in ("EvaluationPeriods", "DatapointsToAlarm", "Period"):
        if key in alarm and (not isinstance(alarm[key], int) or alarm[key] < 1):
            problems.add(join(path, key), f"{show(alarm[key])} is not a whole number above 0")
    if "Threshold" in alarm and not isinstance(alarm["Threshold"], float):
        problems.add(join(path, "Threshold"), f"{show(alarm['Threshold'])} is not a number")
    if "ActionsEnabled" in alarm and not isinstance(alarm["ActionsEnabled"], bool):
        problems.add(join(path, "ActionsEnabled"), f"{show(alarm['ActionsEnabled'])} is not a boolean")
    for key in ("ComparisonOperator", "EvaluationPeriods"):
        if key not in alarm:
            problems.add(join(path, key), "is missing")
    for key in ACTIONS:
        check_actions(alarm.get(key, []), join(path, key), problems)
    _check_metric(alarm, path, problems)


def _check_metric(alarm: Alarm, path: str, problems: Problems) -> None:
    if ("MetricName" in alarm) == ("Metrics" in alarm):
        problems.add(path, "set either MetricName with Namespace, or Metrics")
    elif "MetricName" in alarm:
        for key in ("Namespace", "Period"):
            if key not in alarm:
                problems.add(join(path, key), "is missing; an alarm on MetricName needs it")
        if ("Statistic" in alarm) == ("ExtendedStatistic" in alarm):
            problems.add(path, "set either Statistic or ExtendedStatistic")
    elif not isinstance(alarm["Metrics"], list) or not all(isinstance(item, Mapping) for item in alarm["Metrics"]):
        problems.add(join(path, "Metrics"), f"{show(alarm['Metrics'])} is not a list of mappings")
    elif sum(bool(item.get("ReturnData", True)) for item in alarm["Metrics"]) != 1:
        problems.add(join(path, "Metrics"), "exactly one of them has to have ReturnData: true")
