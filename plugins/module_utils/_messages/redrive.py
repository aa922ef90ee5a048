# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Move messages out of a dead-letter queue: by SQS's own move task, or one by one where that cannot do it.

By hand a message is sent first and deleted only when the destination has taken it, so that a run killed anywhere
loses nothing. What was sent and not yet deleted is sent again by the next run; a FIFO queue recognises it by its
deduplication ID, of a standard queue's message there may be two.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .._aws.client import error_message, has_code
from .._problems import InvalidInputError
from .._queues.api import AwsCallError
from .._topology.names import is_fifo, name_in
from .api import MessageApi, group_of
from .borrowing import Borrowed, borrowing
from .outgoing import Entry, batches
from .received import MessageEdit, MessageFilter, resend_entry, source_of

NO_SOURCE = "CouldNotDetermineMessageSource"
"""Failure reason of a move task that met a message which a program, not SQS, sent to the dead-letter queue."""
UNSUPPORTED = ("InvalidAction", "NotImplemented", "UnknownOperationException", "UnsupportedOperation", "501", "500")
_RUNNING = ("RUNNING", "CANCELLING")
_PAUSE, _REPORT_EVERY = 2.0, 5.0


@dataclass(frozen=True)
class Task:
    """A redrive. ``rate`` in messages a second, ``wait_timeout`` and ``visibility_timeout`` in seconds."""

    source_url: str
    source_arn: str
    destination_arn: str | None = None
    rate: int | None = None
    limit: int | None = None
    filter: MessageFilter = field(default_factory=MessageFilter)
    edit: MessageEdit = field(default_factory=MessageEdit)
    visibility_timeout: int = 300
    wait_timeout: int = 3600


@dataclass
class Report:
    """What a redrive did. ``failed`` and ``deferred`` are messages that stayed, each with its reason."""

    method: str
    moved: int = 0
    seen: int = 0
    status: str = "COMPLETED"
    handle: str | None = None
    failure_reason: str | None = None
    to_move: int | None = None
    destinations: dict[str, int] = field(default_factory=dict)
    failed: list[dict[str, str]] = field(default_factory=list)
    deferred: list[dict[str, str]] = field(default_factory=list)


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
            raise AwsCallError(
                f"messages of {task.source_arn} are already being moved to {elsewhere}; wait for that task, "
                "or cancel it with state: cancelled",
                LookupError(elsewhere),
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


class HandRedrive:
    """Moves messages one by one.

    ``destination_of`` returns the URL for the name of a source queue, or for None where the message does not tell
    where it came from; it returns None when there is no such queue. ``target`` sends to the destination, which may be
    in another region.
    """

    def __init__(
        self,
        source: MessageApi,
        target: MessageApi,
        destination_of: Callable[[str | None], str | None],
        *,
        progress: Callable[[str], None] = lambda _text: None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._source, self._target, self._destination_of = source, target, destination_of
        self._progress, self._sleep, self._clock, self._now = progress, sleep, clock, now

    def run(self, task: Task) -> Report:
        """Move what the filter matches, until the queue has no more or the limit is reached. Raises AwsCallError."""
        report = Report("by_hand")
        began = self._clock()
        blocked: set[str] = set()
        with borrowing(self._source, task.source_url, task.visibility_timeout) as borrowed:
            while task.limit is None or report.moved < task.limit:
                messages = borrowed.receive()
                if messages is None:
                    break
                report.seen += len(messages)
                self._move(task, messages, borrowed, report, blocked)
                self._progress(f"redrive: {report.moved} messages moved, {report.seen} seen")
                self._keep_rate(task, report, began)
                if self._clock() - began >= task.wait_timeout:
                    report.status = "TIMED_OUT"
                    break
        return report

    def _keep_rate(self, task: Task, report: Report, began: float) -> None:
        if task.rate is not None:
            early = report.moved / task.rate - (self._clock() - began)
            if early > 0:
                self._sleep(early)

    def _move(
        self, task: Task, messages: list[dict[str, Any]], borrowed: Borrowed, report: Report, blocked: set[str]
    ) -> None:
        """Send on the messages that are wanted, by destination, and delete those that were taken."""
        by_destination: dict[str, list[tuple[dict[str, Any], Entry]]] = {}
        room = None if task.limit is None else task.limit - report.moved
        for message in messages:
            if room == 0:
                break
            if not task.filter.matches(message, self._now()):
                continue
            planned = self._plan(task, message, report)
            if planned is not None:
                by_destination.setdefault(planned[0], []).append((message, planned[1]))
                room = None if room is None else room - 1
        for url, items in by_destination.items():
            done = self._send(url, items, report, blocked)
            report.moved += len(done)
            name = name_in(url)
            report.destinations[name] = report.destinations.get(name, 0) + len(done)
            undeleted = borrowed.delete(done)
            if undeleted:
                reason = f"{undeleted} messages were sent to {name} and could not be deleted; they may arrive twice"
                report.failed.append({"message_id": "", "reason": reason})

    def _plan(self, task: Task, message: dict[str, Any], report: Report) -> tuple[str, Entry] | None:
        origin = source_of(message)
        url = self._destination_of(origin)
        if url is None:
            reason = f"its source {origin} does not exist" if origin else "it does not tell where it came from"
            self._refuse(report, message, f"{reason}; name a destination")
            return None
        try:
            entry = task.edit.apply(resend_entry(message, fifo=is_fifo(url)))
        except InvalidInputError as error:
            self._refuse(report, message, "; ".join(error.errors))
            return None
        return url, entry

    def _send(
        self, url: str, items: list[tuple[dict[str, Any], Entry]], report: Report, blocked: set[str]
    ) -> list[dict[str, Any]]:
        """Send; return the messages that the destination has taken. A group stops at its first failure."""
        done: list[dict[str, Any]] = []
        position = 0
        for batch in batches((entry for _message, entry in items), one_of_a_group=is_fifo(url)):
            messages = [message for message, _entry in items[position : position + len(batch)]]
            position += len(batch)
            paired = [
                (message, entry)
                for message, entry in zip(messages, batch)
                if not (is_fifo(url) and group_of(message) in blocked)
            ]
            if not paired:
                continue
            sent = self._target.send(url, [entry for _message, entry in paired])
            for message, entry in paired:
                answer = sent.taken.get(entry["Id"])
                if answer is None:
                    self._refuse(report, message, sent.failed.get(entry["Id"], "no answer"))
                elif is_fifo(url) and answer["MessageId"] == message["MessageId"]:
                    # SQS answers with the ID of the message that it already has: this one is taken for its duplicate
                    # and not delivered. To delete it now would be to lose it.
                    reason = "its deduplication ID was used within the last 5 minutes; run again later"
                    report.deferred.append({"message_id": message["MessageId"], "reason": reason})
                else:
                    done.append(message)
                    continue
                if is_fifo(url):
                    blocked.add(str(group_of(message)))
        return done

    @staticmethod
    def _refuse(report: Report, message: dict[str, Any], reason: str) -> None:
        report.failed.append({"message_id": message["MessageId"], "reason": reason})
