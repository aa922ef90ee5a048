"""Alarms as they are wanted and as they are: comparing, and the difference. Pure: no I/O.

``PutMetricAlarm`` replaces an alarm as a whole, so what an alarm does not say has AWS's default, and two alarms are the
same when all they say and do not say is.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .._topology.alarms import Alarm
from .wanted import ACTIONS, SETTINGS


@dataclass(frozen=True)
class Plan:
    """What is to be done: alarms to put, because they are new or because they differ, and names to delete."""

    create: list[Alarm] = field(default_factory=list)
    update: list[Alarm] = field(default_factory=list)
    delete: list[str] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        return not (self.create or self.update or self.delete)


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
        found = actual.get(alarm["AlarmName"])
        if found is None:
            result.create.append(alarm)
        elif normalise(found) != normalise(alarm):
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
