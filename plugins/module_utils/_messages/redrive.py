# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Move messages out of a dead-letter queue: where from, where to, and by which method."""

from __future__ import annotations

import time
from typing import Any

from .._aws.client import AwsCallError
from .._aws.run import Aws
from .._problems import Problems, RefusedError
from .._topology.names import name_in
from .api import MessageApi
from .borrowing import look
from .one_queue import OneQueue, open_queue
from .received import show_message, source_of
from .redrive_by_hand import HandRedrive
from .redrive_native import NO_SOURCE, MoveTasks, is_unsupported
from .redrive_options import RedriveOptions, Task
from .redrive_report import Report

_PROBE_ATTEMPTS = 3
_SHOWN_MESSAGES = 100


class Redrive:
    """A redrive: where from, where to, and by which method. Raises RefusedError, InvalidInputError."""

    def __init__(self, aws: Aws, options: RedriveOptions) -> None:
        self._aws, self._options = aws, options
        self.source = open_queue(aws, options.queue)
        sources = self.source.queues.read_dead_letter_sources(self.source.url, self.source.queue.name)
        self._sources = {name_in(url): url for url in sources}
        self._target = self.source.messages
        self._destination = self._open_destination(options.destination)
        if self._destination is None and not self._sources:
            raise RefusedError(
                f"{self.source.queue.name} is not the dead-letter queue of any queue; name a destination"
            )

    def run(self) -> Report:
        """Move messages, by SQS's task unless something was asked that it cannot do."""
        options = self._options
        task = Task(
            source_url=self.source.url,
            source_arn=self.source.arn,
            destination_arn=self._destination.arn if self._destination else None,
            rate=options.rate,
            limit=options.limit,
            filter=options.filter,
            edit=options.edit,
            visibility_timeout=options.visibility_timeout,
            wait_timeout=options.wait_timeout,
        )
        if options.method == "by_hand" or options.by_hand:
            return self._by_hand(task)
        if not self._native_is_known():
            return self._by_hand(task)
        report = MoveTasks(self.source.messages, progress=self._aws.report).run(task, wait=options.wait)
        if options.method == "auto" and NO_SOURCE in (report.failure_reason or ""):
            rest = self._by_hand(task)
            rest.moved += report.moved
            return rest
        return report

    def cancel(self) -> Report | None:
        """Cancel the move task that is under way; return None when there is none."""
        tasks = MoveTasks(self.source.messages)
        if not self._aws.check_mode:
            return tasks.cancel(self.source.arn)
        active = tasks.running(self.source.arn)
        return Report("native", status=active["Status"], handle=active.get("TaskHandle")) if active else None

    def preview(self) -> list[dict[str, Any]]:
        """Return what would move, each message with its destination; up to the limit, or 100."""
        now = time.time()
        found, _seen = look(
            self.source.messages,
            self.source.url,
            limit=self._options.limit or _SHOWN_MESSAGES,
            visibility_timeout=self._options.visibility_timeout,
            wanted=lambda message: self._options.filter.matches(message, now),
        )
        return [{**show_message(message, now), "destination": self._destination_name(message)} for message in found]

    def _by_hand(self, task: Task) -> Report:
        return HandRedrive(self.source.messages, self._target, self._destination_of, progress=self._aws.report).run(
            task
        )

    def _native_is_known(self) -> bool:
        """Ask for the tasks of the queue, which costs one read; only ``auto`` has another way when that fails."""
        if self._options.method == "native":
            return True
        impatient = self._aws.client("sqs", attempts=_PROBE_ATTEMPTS)
        try:
            MoveTasks(MessageApi(impatient)).running(self.source.arn)
        except AwsCallError as error:
            if is_unsupported(error):
                return False
            raise
        return True

    def _open_destination(self, reference: str | None) -> OneQueue | None:
        if not reference:
            return None
        destination = open_queue(self._aws, reference, "destination", region=self._options.elsewhere)
        self._target = destination.messages
        problems = Problems()
        if destination.arn == self.source.arn:
            problems.add("destination", "is the queue itself")
        if destination.queue.fifo != self.source.queue.fifo:
            types = ("a standard", "a FIFO")
            problems.add(
                "destination",
                f"{destination.queue.name} is {types[destination.queue.fifo]} queue, and {self.source.queue.name} is "
                f"{types[self.source.queue.fifo]} one; messages move between queues of the same type",
            )
        problems.raise_if_any("The redrive")
        return destination

    def _destination_of(self, origin: str | None) -> str | None:
        if self._destination is not None:
            return self._destination.url
        if origin is None and len(self._sources) == 1:
            return next(iter(self._sources.values()))
        return self._sources.get(origin or "")

    def _destination_name(self, message: dict[str, Any]) -> str | None:
        url = self._destination_of(source_of(message))
        return url and name_in(url)
