# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The CloudWatch alarms of a topology. Pure: no I/O.

Which alarms a queue has, and their numbers, can be set for the whole topology (``alarms:`` at its top) and for one
queue (``queues.KEY.alarms``, or ``dead_letter_queue.alarms``), the queue's word being the last::

    alarms:
      alarm_actions: [arn:aws:sns:ap-southeast-1:123456789012:on-call]
      retry_storm: false                     # no such alarm for any queue
    queues:
      order:
        alarms:
          backlog: {threshold: 500}          # another number for this queue

:func:`read_settings` reads and checks such a mapping, :func:`alarms` makes the alarms of an expanded topology.

Why these alarms (*Available CloudWatch metrics for Amazon SQS* and *Dead-letter queues*, SQS developer guide): the
age of the oldest message leaves out messages received three times or more, so age alone misses poison messages; a
message that SQS itself moves to a DLQ does not count as sent to it, so only the visible ones tell.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._problems import Problems, as_boolean, as_integer, as_number, join, read_mapping, refuse_unknown_keys, show
from .names import alarm_name, is_arn

Alarm = dict[str, Any]
Queue = Mapping[str, Any]

QUEUE_KINDS = ("backlog", "age", "stuck", "unpolled", "retry_storm", "in_flight")
DEAD_LETTER_KINDS = ("not_empty", "expiring")
KINDS = QUEUE_KINDS + DEAD_LETTER_KINDS
ACTION_SETTINGS = ("alarm_actions", "ok_actions", "insufficient_data_actions")

MAXIMUM_ACTIONS = 5
"""Actions of a kind in one alarm. Source: API_PutMetricAlarm.html."""
MISSING_DATA = ("breaching", "notBreaching", "ignore", "missing")
LONG_PERIOD, LONG_RANGE, SHORT_RANGE = 3600, 604800, 86400
"""Periods of an hour or more may be evaluated over a week, shorter ones over a day. Source: API_PutMetricAlarm.html."""
_COUNTS = ("period", "evaluation_periods", "datapoints_to_alarm")
_TUNABLE = {"threshold", "treat_missing_data", *_COUNTS}


def read_settings(
    value: object,
    path: str,
    problems: Problems,
    *,
    dead_letter: bool | None = None,
    general: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the alarm settings below ``path``, laid over ``general``; faults are added to ``problems``.

    :param value: what stands at ``path``; None is the same as an empty mapping.
    :param dead_letter: True for a DLQ, False for another queue, None for the whole topology.
    :param general: the settings of the whole topology, as this function returned them.
    :return: for each kind of alarm that was mentioned False or its tuning (a mapping, maybe empty), and the lists
        of actions.
    """
    kinds = {None: KINDS, True: DEAD_LETTER_KINDS, False: QUEUE_KINDS}[dead_letter]
    given = read_mapping(value, path, problems)
    refuse_unknown_keys(given, {*kinds, *ACTION_SETTINGS}, path, problems)
    settings = dict(general or {})
    for key, item in given.items():
        if key in ACTION_SETTINGS:
            check_actions(item, join(path, key), problems)
            settings[key] = item
        elif key in kinds:
            settings[key] = _read_kind(key, item, join(path, key), problems, settings.get(key))
    return settings


def alarms(expanded: Mapping[str, Any]) -> list[Alarm]:
    """Return every alarm of the topology, in the order of its queues, as arguments of ``PutMetricAlarm``.

    Of the expanded topology the ``prefix`` is read, and of each queue ``key``, ``name``, ``dead_letter``,
    ``visibility_timeout`` and ``message_retention_period`` (seconds) and ``alarms`` (from :func:`read_settings`).
    """
    return [
        _alarm(kind, expanded["prefix"], queue, queue.get("alarms") or {})
        for queue in expanded["queues"].values()
        for kind in (DEAD_LETTER_KINDS if queue["dead_letter"] else QUEUE_KINDS)
        if (queue.get("alarms") or {}).get(kind) is not False
    ]


def _alarm(kind: str, prefix: str, queue: Queue, settings: Mapping[str, Any]) -> Alarm:
    alarm = _KINDS[kind](queue)
    tuning = settings.get(kind) or {}
    for key in ("threshold", "evaluation_periods", "datapoints_to_alarm", "treat_missing_data"):
        if key in tuning:
            alarm[_camel(key)] = tuning[key]
    alarm["DatapointsToAlarm"] = min(alarm["DatapointsToAlarm"], alarm["EvaluationPeriods"])
    if "period" in tuning:
        _set_period(alarm, tuning["period"])
    return {
        "AlarmName": alarm_name(prefix, queue["key"], kind),
        "ActionsEnabled": True,
        "AlarmActions": list(settings.get("alarm_actions", [])),
        "OKActions": list(settings.get("ok_actions", [])),
        "InsufficientDataActions": list(settings.get("insufficient_data_actions", [])),
        **alarm,
    }


def _backlog(queue: Queue) -> Alarm:
    return {
        "AlarmDescription": f"Too many messages wait in {queue['name']}: are its workers up, and enough of them?",
        **_single(queue, "ApproximateNumberOfMessagesVisible", "Average", 300),
        **_when("GreaterThanThreshold", 100, datapoints=2, periods=2),
    }


def _age(queue: Queue) -> Alarm:
    # A message that failed once and succeeded on its second receive is no incident.
    objective = max(300, 2 * int(queue["visibility_timeout"]))
    return {
        "AlarmDescription": f"The oldest message of {queue['name']} has waited longer than its latency objective.",
        **_single(queue, "ApproximateAgeOfOldestMessage", "Maximum", 60),
        **_when("GreaterThanThreshold", objective, datapoints=3, periods=5),
    }


def _stuck(queue: Queue) -> Alarm:
    return {
        "AlarmDescription": f"Messages wait in {queue['name']} and none is finished: its workers fail or hang.",
        **_math(
            "IF(FILL(visible,0)>0 AND FILL(deleted,0)==0,1,0)",
            "waiting, and none finished",
            visible=_stat(queue, "ApproximateNumberOfMessagesVisible", "Maximum", 300),
            deleted=_stat(queue, "NumberOfMessagesDeleted", "Sum", 300),
        ),
        **_when("GreaterThanOrEqualToThreshold", 1, datapoints=3, periods=3),
    }


def _unpolled(queue: Queue) -> Alarm:
    return {
        "AlarmDescription": f"Nobody polls {queue['name']}: no worker of it runs.",
        **_math(
            "FILL(empty,0)+FILL(received,0)",
            "receives",
            empty=_stat(queue, "NumberOfEmptyReceives", "Sum", 300),
            received=_stat(queue, "NumberOfMessagesReceived", "Sum", 300),
        ),
        **_when("LessThanThreshold", 1, datapoints=3, periods=3),
        "TreatMissingData": "breaching",
    }


def _retry_storm(queue: Queue) -> Alarm:
    return {
        "AlarmDescription": f"Most messages received from {queue['name']} fail and come back.",
        **_math(
            "(received-deleted)/received",
            "share of receives not followed by a delete",
            received=_stat(queue, "NumberOfMessagesReceived", "Sum", 300),
            deleted=_stat(queue, "NumberOfMessagesDeleted", "Sum", 300),
        ),
        **_when("GreaterThanThreshold", 0.5, datapoints=3, periods=3),
    }


def _in_flight(queue: Queue) -> Alarm:
    return {
        "AlarmDescription": f"{queue['name']} comes close to SQS's limit of 120,000 messages in flight.",
        **_single(queue, "ApproximateNumberOfMessagesNotVisible", "Maximum", 60),
        **_when("GreaterThanThreshold", 96000, datapoints=3, periods=3),
    }


def _not_empty(queue: Queue) -> Alarm:
    return {
        "AlarmDescription": f"{queue['name']} holds messages that could not be processed: look, repair, redrive.",
        **_single(queue, "ApproximateNumberOfMessagesVisible", "Maximum", 60),
        **_when("GreaterThanThreshold", 0, datapoints=1, periods=1),
    }


def _expiring(queue: Queue) -> Alarm:
    retention = int(queue["message_retention_period"])
    return {
        "AlarmDescription": f"A message in {queue['name']} has used 3/4 of its {retention} s and will be lost after.",
        **_single(queue, "ApproximateAgeOfOldestMessage", "Maximum", 300),
        **_when("GreaterThanThreshold", retention * 3 // 4, datapoints=1, periods=1),
    }


_KINDS = {
    "backlog": _backlog,
    "age": _age,
    "stuck": _stuck,
    "unpolled": _unpolled,
    "retry_storm": _retry_storm,
    "in_flight": _in_flight,
    "not_empty": _not_empty,
    "expiring": _expiring,
}


def _metric(queue: Queue, metric_name: str) -> dict[str, Any]:
    return {
        "Namespace": "AWS/SQS",
        "MetricName": metric_name,
        "Dimensions": [{"Name": "QueueName", "Value": queue["name"]}],
    }


def _single(queue: Queue, metric_name: str, statistic: str, period: int) -> Alarm:
    return {**_metric(queue, metric_name), "Statistic": statistic, "Period": period}


def _stat(queue: Queue, metric_name: str, statistic: str, period: int) -> dict[str, Any]:
    return {"Metric": _metric(queue, metric_name), "Period": period, "Stat": statistic}


def _math(expression: str, label: str, **inputs: dict[str, Any]) -> Alarm:
    result = {"Id": "result", "Expression": expression, "Label": label, "ReturnData": True}
    metrics = [{"Id": name, "MetricStat": stat, "ReturnData": False} for name, stat in inputs.items()]
    return {"Metrics": [result, *metrics]}


def _when(operator: str, threshold: float, *, datapoints: int, periods: int) -> Alarm:
    return {
        "ComparisonOperator": operator,
        "Threshold": float(threshold),
        "DatapointsToAlarm": datapoints,
        "EvaluationPeriods": periods,
        "TreatMissingData": "notBreaching",
    }


def _period(alarm: Alarm) -> int:
    """Return the period in seconds; in metric math all inputs have the same."""
    return int(alarm["Period"] if "Period" in alarm else alarm["Metrics"][-1]["MetricStat"]["Period"])


def _set_period(alarm: Alarm, period: int) -> None:
    if "Period" in alarm:
        alarm["Period"] = period
    for metric in alarm.get("Metrics", []):
        if "MetricStat" in metric:
            metric["MetricStat"]["Period"] = period


def _camel(key: str) -> str:
    return "".join(part.capitalize() for part in key.split("_"))


def check_actions(value: object, path: str, problems: Problems) -> None:
    """Add a fault for what cannot be the actions of one kind of an alarm."""
    if not isinstance(value, list) or not all(is_arn(item) for item in value):
        problems.add(path, f"{show(value)} is not a list of ARNs, such as that of an SNS topic")
    elif len(value) > MAXIMUM_ACTIONS:
        problems.add(path, f"{len(value)} actions are above {MAXIMUM_ACTIONS}")


def _read_kind(kind: str, value: object, path: str, problems: Problems, general: object) -> bool | dict[str, Any]:
    """Return False for an alarm that is switched off, else its tuning laid over the general one."""
    inherited = dict(general) if isinstance(general, Mapping) else {}
    if not isinstance(value, Mapping):
        enabled = as_boolean(value)
        if enabled is None:
            problems.add(path, f"{show(value)} is neither a boolean nor a mapping of settings")
        return inherited if enabled else False
    refuse_unknown_keys(read_mapping(value, path, problems), _TUNABLE, path, problems)
    tuning = {**inherited, **_read_tuning(value, path, problems)}
    _check_range(kind, tuning, path, problems)
    return tuning


def _read_tuning(value: Mapping[Any, Any], path: str, problems: Problems) -> dict[str, Any]:
    tuning: dict[str, Any] = {}
    for key in _COUNTS:
        if value.get(key) is not None:
            number = as_integer(value[key])
            if number is None or number < 1:
                problems.add(join(path, key), f"{show(value[key])} is not a whole number above 0")
            else:
                tuning[key] = number
    if tuning.get("period", 60) % 60:
        # PutMetricAlarm would take 10, 20 and 30 too, but SQS publishes its metrics once a minute.
        problems.add(join(path, "period"), f"{tuning['period']} is not a multiple of 60 seconds")
    if value.get("threshold") is not None:
        threshold = as_number(value["threshold"])
        if threshold is None:
            problems.add(join(path, "threshold"), f"{show(value['threshold'])} is not a number")
        else:
            tuning["threshold"] = threshold
    if value.get("treat_missing_data") is not None:
        tuning["treat_missing_data"] = value["treat_missing_data"]
        if value["treat_missing_data"] not in MISSING_DATA:
            problems.add(
                join(path, "treat_missing_data"),
                f"{show(value['treat_missing_data'])} is not one of {', '.join(MISSING_DATA)}",
            )
    return tuning


def _check_range(kind: str, tuning: Mapping[str, Any], path: str, problems: Problems) -> None:
    sample = {"name": "", "visibility_timeout": 0, "message_retention_period": 0}
    defaults = _KINDS[kind](sample)
    period = tuning.get("period", _period(defaults))
    periods = tuning.get("evaluation_periods", defaults["EvaluationPeriods"])
    datapoints = tuning.get("datapoints_to_alarm", 1)
    if datapoints > periods:
        problems.add(join(path, "datapoints_to_alarm"), f"{datapoints} is above evaluation_periods, {periods}")
    longest = LONG_RANGE if period >= LONG_PERIOD else SHORT_RANGE
    if period * periods > longest:
        problems.add(path, f"{periods} periods of {period} seconds are above {longest} seconds")
