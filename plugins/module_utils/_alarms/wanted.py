# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The alarms that a module was asked for, checked. Pure: no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .._problems import InvalidInputError, Problems, as_boolean, as_integer, as_number, join, show
from .._topology.alarms import MISSING_DATA, Alarm, check_actions

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


def read_names(values: Sequence[Mapping[str, Any]]) -> list[Alarm]:
    """Return alarms of which only the names matter. Raises InvalidInputError for every one without."""
    problems = Problems()
    for position, alarm in enumerate(values):
        if not alarm.get("AlarmName"):
            problems.add(f"alarms[{position}].AlarmName", "is missing")
    problems.raise_if_any("alarms")
    return [dict(alarm) for alarm in values]


def with_actions(alarms: Iterable[Mapping[str, Any]], actions: list[str]) -> list[Alarm]:
    """Return the alarms, each with the actions of all beside its own."""
    return [
        {**alarm, "AlarmActions": _union(alarm.get("AlarmActions"), actions)} if actions else {**alarm}
        for alarm in alarms
    ]


def check_purge(tags: Mapping[str, Any] | None, prefixes: list[str], *, purge: bool) -> None:
    """Raise InvalidInputError for a purge that could not tell its alarms from those of others."""
    if purge and not (tags and prefixes):
        raise InvalidInputError(
            "purge", ["purge deletes what carries our tags; it needs tags and purge_name_prefixes to know them by"]
        )


def _union(own: object, common: list[str]) -> object:
    return list(dict.fromkeys([*own, *common])) if isinstance(own, list) else own or common


def _number(key: str, value: object) -> object:
    if key not in _NUMBERS:
        return value
    read = _NUMBERS[key](value)
    return value if read is None else read


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
        if key in alarm and (as_integer(alarm[key]) or 0) < 1:
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
