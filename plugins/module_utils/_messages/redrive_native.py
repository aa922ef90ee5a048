# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Move messages out of a dead-letter queue by SQS's own message move task."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from .._aws.client import AwsCallError, error_message, has_code
from .._problems import RefusedError
from .api import MessageApi
from .redrive_options import Task
from .redrive_report import Report

NO_SOURCE = "CouldNotDetermineMessageSource"
"""Failure reason of a move task that met a message which a program, not SQS, sent to the dead-letter queue."""
UNSUPPORTED = ("InvalidAction", "NotImplemented", "UnknownOperationException", "UnsupportedOperation", "501", "500")
_RUNNING = ("RUNNING", "CANCELLING")
_PAUSE = 2.0


class MoveTasks:
    """SQS's own message move tasks."""

    def __init__(
        self,
        api: MessageApi,
        *,
        progress: Callable[[str], None] = lambda _text: None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._api, self._progress, self._sleep, self._clock = api, progress, sleep, clock

    def running(self, source_arn: str) -> dict[str, Any] | None:
        """Return the active task of a queue, or None. Raises AwsCallError; see :func:`is_unsupported`."""
        return next((task for task in self._api.move_tasks(source_arn) if task["Status"] in _RUNNING), None)

    def run(self, task: Task, *, wait: bool) -> Report:
        """Start a move, or join the one that is running, and follow it to its end. Raises AwsCallError."""
        active = self.running(task.source_arn)
        handle = None
        if active is None:
            handle = self._api.start_move_task(task.source_arn, task.destination_arn, task.rate)
        elif active.get("DestinationArn") != task.destination_arn:
            elsewhere = active.get("DestinationArn") or "the queues that the messages came from"
            raise RefusedError(
                f"messages of {task.source_arn} are already being moved to {elsewhere}; wait for that task, "
                "or cancel it with state: cancelled"
            )
        else:
            handle = active.get("TaskHandle")
        if not wait:
            return Report("native", status="RUNNING", handle=handle)
        return self._follow(task, handle)

    def cancel(self, source_arn: str) -> Report | None:
        """Cancel the active task of a queue; return None when there is none. What was moved stays moved."""
        active = self.running(source_arn)
        if active is None:
            return None
        if active["Status"] == "CANCELLING":
            return Report("native", status="CANCELLING")
        moved = self._api.cancel_move_task(active["TaskHandle"])
        return Report("native", moved=moved, status="CANCELLING", handle=active["TaskHandle"])

    def _follow(self, task: Task, handle: str | None) -> Report:
        began = self._clock()
        while True:
            newest = self._newest(task.source_arn)
            report = Report(
                "native",
                moved=int(newest.get("ApproximateNumberOfMessagesMoved", 0)),
                status=newest.get("Status", "RUNNING"),
                handle=newest.get("TaskHandle") or handle,
                failure_reason=newest.get("FailureReason"),
                to_move=newest.get("ApproximateNumberOfMessagesToMove"),
            )
            elapsed = self._clock() - began
            rate = report.moved / elapsed if elapsed else 0.0
            self._progress(f"redrive: {report.moved} of {report.to_move} messages moved, {rate:.0f} a second")
            if report.status not in _RUNNING or elapsed >= task.wait_timeout:
                return report
            self._sleep(_PAUSE)

    def _newest(self, source_arn: str) -> dict[str, Any]:
        tasks = self._api.move_tasks(source_arn)
        return max(tasks, key=lambda task: int(task.get("StartedTimestamp", 0)), default={})


def is_unsupported(error: AwsCallError) -> bool:
    """Tell whether an endpoint does not know move tasks: SQS does, not every stand-in for it."""
    return has_code(error.cause, *UNSUPPORTED) or "not implemented" in error_message(error.cause).lower()
