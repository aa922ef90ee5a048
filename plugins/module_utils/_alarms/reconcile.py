# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``alarms``: reads all, plans all, and, unless it is only asked, does it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from typing import Any

from .._aws.client import concurrently
from .._aws.run import Aws
from .._aws.steps import diff
from .._problems import InvalidInputError, RefusedError
from .._topology.alarms import Alarm
from .._topology.expand import expand
from .._topology.names import alarm_name_prefixes
from .api import AlarmApi
from .plan import Plan, normalise, plan, targets
from .wanted import check_purge, read_alarms, read_names, with_actions


def reconcile(parameters: Mapping[str, Any], aws: Aws, *, api: AlarmApi | None = None) -> dict[str, Any]:
    """Return the module's result.

    :param parameters: the module's options.
    :param api: the CloudWatch to use; a test passes its own.
    Raises InvalidInputError, RefusedError, and botocore's errors.
    """
    absent = parameters["state"] == "absent"
    api = api or AlarmApi(aws.client("cloudwatch"))
    expanded = None if parameters["topology"] is None else expand(parameters["topology"], region=aws.region)
    given = parameters["alarms"] if expanded is None else expanded["alarms"]
    prefixes = parameters["purge_name_prefixes"]
    if expanded is not None and not prefixes:
        prefixes = alarm_name_prefixes(expanded["prefix"])
    check_purge(parameters["tags"], prefixes, purge=parameters["purge"])
    wanted = _read(with_actions(given, parameters["alarm_actions"]), api, absent=absent)
    tags = {str(key): str(value) for key, value in (parameters["tags"] or {}).items()}
    names = [alarm["AlarmName"] for alarm in wanted]
    purge = parameters["purge"] and not absent
    listed = api.alarms_with_prefixes(prefixes) if purge else {}
    actual = {**api.alarms_named(name for name in names if name not in listed), **listed}
    unwanted = _tagged({name: alarm for name, alarm in listed.items() if name not in names}, tags, api)
    steps = plan(wanted, actual, absent=absent, unwanted=unwanted)
    retagged = [] if absent else _lacking(tags, names, steps, actual, api)
    if not aws.check_mode:
        _apply(steps, actual, tags, api, aws)
        concurrently(lambda name: api.tag(actual[name]["AlarmArn"], tags), retagged)
    result: dict[str, Any] = {
        "changed": not steps.empty or bool(retagged),
        "diff": _diff(steps, actual),
        "created": [alarm["AlarmName"] for alarm in steps.create],
        "updated": [alarm["AlarmName"] for alarm in steps.update],
        "deleted": steps.delete,
        "retagged": retagged,
        "alarms": [] if absent else [_shown(alarm, actual.get(alarm["AlarmName"])) for alarm in wanted],
    }
    if parameters["prove_delivery"] and not absent:
        result["changed"] = result["changed"] or bool(targets(wanted))
        result["deliveries"] = [] if aws.check_mode else _prove(wanted, actual, api, parameters["delivery_timeout"])
        _refuse_undelivered(result["deliveries"])
    return result


def _read(given: list[Alarm], api: AlarmApi, *, absent: bool) -> list[Alarm]:
    if not absent:
        read = read_alarms(given)
        faults = [f"alarms[{position}]: {fault}" for position, fault in enumerate(map(api.faults, read)) if fault]
        if faults:
            raise InvalidInputError("alarms", faults)
        return read
    return read_names(given)


def _tagged(candidates: Mapping[str, Alarm], tags: Mapping[str, str], api: AlarmApi) -> dict[str, Alarm]:
    """Return those of the candidates that carry all of the tags."""
    names = list(candidates)
    found = concurrently(lambda name: api.tags_of(candidates[name]["AlarmArn"]), names)
    return {name: candidates[name] for name, actual in zip(names, found) if tags.items() <= actual.items()}


def _lacking(
    tags: Mapping[str, str], names: Iterable[str], steps: Plan, actual: Mapping[str, Alarm], api: AlarmApi
) -> list[str]:
    """Return the names of alarms that stay as they are and lack one of the tags; a read each, none without tags."""
    touched = {alarm["AlarmName"] for alarm in (*steps.create, *steps.update)}
    staying = {name: actual[name] for name in names if name not in touched} if tags else {}
    tagged = _tagged(staying, tags, api)
    return [name for name in staying if name not in tagged]


def _apply(steps: Plan, actual: Mapping[str, Alarm], tags: dict[str, str], api: AlarmApi, aws: Aws) -> None:
    concurrently(lambda alarm: api.create(alarm, tags), steps.create, done=aws.counting("create alarms"))
    concurrently(
        lambda alarm: api.update(alarm, tags, actual[alarm["AlarmName"]]["AlarmArn"]),
        steps.update,
        done=aws.counting("update alarms"),
    )
    api.delete(steps.delete)


def _diff(steps: Plan, actual: Mapping[str, Alarm]) -> dict[str, str]:
    touched = [*(alarm["AlarmName"] for alarm in steps.update), *steps.delete]
    return diff(
        {name: normalise(actual[name]) for name in touched},
        {alarm["AlarmName"]: normalise(alarm) for alarm in [*steps.create, *steps.update]},
    )


def _shown(alarm: Alarm, actual: Mapping[str, Any] | None) -> dict[str, Any]:
    return {
        "name": alarm["AlarmName"],
        "arn": actual["AlarmArn"] if actual else None,
        "state": actual["StateValue"] if actual else "INSUFFICIENT_DATA",
        "actions": list(alarm.get("AlarmActions", [])),
    }


def _prove(wanted: Iterable[Alarm], actual: Mapping[str, Alarm], api: AlarmApi, timeout: int) -> list[dict[str, Any]]:
    """Set one alarm for each action to ALARM, look how the action went, and set the alarm back."""
    by_alarm: dict[str, set[str]] = {}
    for name, action in targets(wanted):
        by_alarm.setdefault(name, set()).add(action)
    deliveries = []
    for name, actions in by_alarm.items():
        since = datetime.now(timezone.utc)
        before = actual[name]["StateValue"] if name in actual else "INSUFFICIENT_DATA"
        if before == "ALARM":
            # Only a change of the state makes CloudWatch act.
            api.set_state(name, "OK", "Test of the delivery: about to alarm")
        api.set_state(name, "ALARM", "Test of the delivery: this is no incident")
        results = api.action_results(name, since, actions, timeout)
        if before != "ALARM":
            api.set_state(name, before, "Test of the delivery: done")
        for action in sorted(actions):
            error = results.get(action, f"CloudWatch reported nothing within {timeout} s")
            deliveries.append({"alarm": name, "action": action, "delivered": error is None, "error": error})
    return deliveries


def _refuse_undelivered(deliveries: Iterable[Mapping[str, Any]]) -> None:
    failed = [f"{item['action']} (alarm {item['alarm']}): {item['error']}" for item in deliveries if item["error"]]
    if failed:
        raise RefusedError(
            "an alarm would not reach:\n  "
            + "\n  ".join(failed)
            + "\nCheck the topic's policy and, where it is encrypted, that its key allows cloudwatch.amazonaws.com "
            "kms:Decrypt and kms:GenerateDataKey*; alias/aws/sns cannot"
        )
