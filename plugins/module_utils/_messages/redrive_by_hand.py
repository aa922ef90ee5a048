# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Move messages out of a dead-letter queue one by one, where SQS's own task cannot do what is asked.

By hand a message is sent first and deleted only when the destination has taken it, so that a run killed anywhere
loses nothing. What was sent and not yet deleted is sent again by the next run; a FIFO queue recognises it by its
deduplication ID, of a standard queue's message there may be two.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from .._problems import InvalidInputError
from .._topology.names import is_fifo, name_in
from .api import MessageApi, group_of
from .borrowing import Borrowed, borrowing
from .outgoing import Entry, batches
from .received import resend_entry, source_of
from .redrive_options import Task
from .redrive_report import Report


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
