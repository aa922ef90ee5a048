# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads and writes of alarms. It decides nothing: that is ``plan``."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any

# Where botocore is missing, AnsibleAWSModule says so, with the way out, before any of it is needed.
with suppress(ImportError):
    import botocore.validate

from .._aws.client import concurrently, polls
from .._aws.documents import from_tags, to_tags
from .._topology.alarms import Alarm

PAGE = 100
"""Alarms that DescribeAlarms and DeleteAlarms take at once. Source: API_DescribeAlarms.html, API_DeleteAlarms.html."""
POLL_SECONDS = 2


class AlarmApi:
    """CloudWatch as alarms need it.

    :param client: a boto3 client of CloudWatch.
    :param sleep: waits so many seconds; a test passes its own.
    """

    def __init__(self, client: Any, sleep: Callable[[float], None] = time.sleep) -> None:
        self._client = client
        self._sleep = sleep

    def faults(self, alarm: Alarm) -> str:
        """Return what botocore's model of PutMetricAlarm has against an alarm, in one line; empty for nothing."""
        shape = self._client.meta.service_model.operation_model("PutMetricAlarm").input_shape
        return "; ".join(botocore.validate.ParamValidator().validate(alarm, shape).generate_report().splitlines())

    def alarms_named(self, names: Iterable[str]) -> dict[str, Alarm]:
        """Return those of the alarms that exist, by name; one call for a hundred."""
        pages = concurrently(
            lambda chunk: self._client.describe_alarms(AlarmNames=chunk, AlarmTypes=["MetricAlarm"], MaxRecords=PAGE)[
                "MetricAlarms"
            ],
            _chunks(list(names)),
        )
        return {alarm["AlarmName"]: alarm for page in pages for alarm in page}

    def alarms_with_prefixes(self, prefixes: Iterable[str]) -> dict[str, Alarm]:
        """Return all alarms whose name starts with one of the prefixes, by name."""
        found: dict[str, Alarm] = {}
        for prefix in prefixes:
            pages = self._client.get_paginator("describe_alarms").paginate(
                AlarmNamePrefix=prefix, AlarmTypes=["MetricAlarm"], PaginationConfig={"PageSize": PAGE}
            )
            found.update({alarm["AlarmName"]: alarm for page in pages for alarm in page["MetricAlarms"]})
        return found

    def tags_of(self, arn: str) -> dict[str, str]:
        return from_tags(self._client.list_tags_for_resource(ResourceARN=arn)["Tags"])

    def create(self, alarm: Alarm, tags: dict[str, str]) -> None:
        self._client.put_metric_alarm(**alarm, Tags=to_tags(tags))

    def update(self, alarm: Alarm, tags: dict[str, str], arn: str) -> None:
        """Put an alarm that exists; CloudWatch takes its tags by a call of their own."""
        self._client.put_metric_alarm(**alarm)
        if tags:
            self.tag(arn, tags)

    def tag(self, arn: str, tags: dict[str, str]) -> None:
        self._client.tag_resource(ResourceARN=arn, Tags=to_tags(tags))

    def delete(self, names: Iterable[str]) -> None:
        for chunk in _chunks(list(names)):
            self._client.delete_alarms(AlarmNames=chunk)

    def set_state(self, name: str, state: str, reason: str) -> None:
        self._client.set_alarm_state(AlarmName=name, StateValue=state, StateReason=reason)

    def action_results(self, name: str, since: datetime, actions: set[str], timeout: int) -> dict[str, str | None]:
        """Return for each of the actions how it went: None for done, else the error; an action without news is absent.

        Asks until all have been heard of, at most ``timeout`` seconds.
        """
        results: dict[str, str | None] = {}
        for _last in polls(timeout, POLL_SECONDS, self._sleep):
            results = {}
            pages = self._client.get_paginator("describe_alarm_history").paginate(
                AlarmName=name, HistoryItemType="Action", StartDate=since
            )
            for page in pages:
                for item in page["AlarmHistoryItems"]:
                    data = json.loads(item["HistoryData"])
                    action = data.get("notificationResource", "")
                    if action in actions:
                        failed = data.get("actionState") != "Succeeded"
                        results[action] = data.get("error") or item["HistorySummary"] if failed else None
            if set(results) == actions:
                break
        return results


def _chunks(names: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(names), PAGE):
        yield names[start : start + PAGE]
