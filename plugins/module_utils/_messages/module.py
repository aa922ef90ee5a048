# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the modules that handle messages share: the queue that they are about, and how a redrive is chosen."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .._aws.client import CallCounter, connect, has_code
from .._problems import Problems, bounded_integer
from .._progress import reporter
from .._queues.api import AwsCallError, QueueApi
from .._queues.lookup import read_references, require_url
from .._queues.module import region_of
from .._queues.plan import ActualQueue
from .._topology.names import is_fifo, name_in, parse_arn
from .._topology.queue_attributes import ATTRIBUTES
from .api import MessageApi
from .borrowing import look
from .outgoing import (
    MESSAGE_BYTES,
    MESSAGE_OPTIONS,
    Entry,
    check_deduplication,
    check_sizes,
    read_messages,
)
from .received import MessageEdit, MessageFilter, read_edit, read_filter, show_message, source_of
from .redrive import NO_SOURCE, HandRedrive, MoveTasks, Report, Task, is_unsupported

RATE_MAXIMUM = 500
"""Messages a second of a move task. Source: API_StartMessageMoveTask.html."""
VISIBILITY_MAXIMUM = ATTRIBUTES["visibility_timeout"].maximum
LOOK_MAXIMUM = 10000
PURGE_SECONDS = 60
"""One purge of a queue is allowed in this time. Source: API_PurgeQueue.html."""
_PURGE_PAUSE = 5
_PROBE_ATTEMPTS = 3
_SHOWN_MESSAGES = 100


def filter_options() -> dict[str, Any]:
    """Return the argument specification of a filter of messages."""
    return {
        "type": "dict",
        "options": {
            "body_contains": {"type": "str"},
            "body_matches": {"type": "str"},
            "attributes": {"type": "dict"},
            "minimum_age": {"type": "int"},
            "maximum_age": {"type": "int"},
            "minimum_receive_count": {"type": "int"},
            "maximum_receive_count": {"type": "int"},
        },
    }


@dataclass(frozen=True)
class OneQueue:
    """A queue that exists, with its attributes, and the ways to it."""

    queue: ActualQueue
    queues: QueueApi
    messages: MessageApi

    @property
    def url(self) -> str:
        return self.queue.url

    @property
    def arn(self) -> str:
        return str(self.queue.attributes["arn"])


def open_queue(module: Any, reference: object, path: str = "queue", counter: CallCounter | None = None) -> OneQueue:
    """Return the queue that a module's option ``path`` refers to, by name, ARN or URL.

    Raises InvalidInputError for a reference that cannot be one, AwsCallError when there is no such queue.
    """
    (wanted,) = read_references([reference], region_of(module), path)
    client = connect(module, "sqs", counter)
    queues = QueueApi(client)
    url = require_url(queues, wanted)
    found = queues.read({wanted.name: url}, tags=False)
    if wanted.name not in found:
        raise AwsCallError(f"{wanted.name}: there is no such queue at {url}", LookupError(wanted.name))
    return OneQueue(found[wanted.name], queues, MessageApi(client))


@dataclass(frozen=True)
class Outgoing:
    """Messages that a module was asked to send. ``path`` begins the paths of their faults."""

    entries: list[Entry]
    path: str

    def check_against(self, queue: ActualQueue) -> None:
        """Raise InvalidInputError for messages that this queue, with its attributes, would refuse."""
        check_sizes(self.entries, queue.attributes.get("maximum_message_size", MESSAGE_BYTES), self.path)
        if queue.fifo and not queue.attributes.get("content_based_deduplication"):
            check_deduplication(self.entries, self.path)


def read_outgoing(params: Mapping[str, Any]) -> Outgoing:
    """Return the messages of a module's options. Raises InvalidInputError with every fault, before the first call."""
    several = params["messages"] is not None
    messages = params["messages"] if several else [{key: params[key] for key in MESSAGE_OPTIONS}]
    path = "messages" if several else ""
    return Outgoing(read_messages(messages, path, fifo=is_fifo(params["queue"])), path)


def read_removal(params: Mapping[str, Any]) -> MessageFilter:
    """Return the filter of messages to delete. Raises InvalidInputError with every fault; one that is empty is one."""
    problems = Problems()
    chosen = read_filter(params["filter"], "filter", problems)
    if not problems.errors and chosen == MessageFilter():
        problems.add("filter", "chooses every message; queue_purge is the module that empties a queue")
    problems.raise_if_any("The removal")
    return chosen


def read_look_options(params: Mapping[str, Any]) -> tuple[MessageFilter, int, int]:
    """Return filter, limit and visibility timeout (seconds) of a look. Raises InvalidInputError with every fault."""
    problems = Problems()
    chosen = read_filter(params["filter"], "filter", problems)
    limit = _bounded(params, "limit", 1, LOOK_MAXIMUM, problems) or 1
    visibility_timeout = _bounded(params, "visibility_timeout", 5, VISIBILITY_MAXIMUM, problems) or 5
    problems.raise_if_any("The look into the queue")
    return chosen, limit, visibility_timeout


@dataclass(frozen=True)
class RedriveOptions:
    """A redrive as it was asked for, checked. ``by_hand`` tells that the move task of SQS cannot do it."""

    method: str
    rate: int | None
    limit: int | None
    filter: MessageFilter
    edit: MessageEdit
    visibility_timeout: int
    wait: bool
    wait_timeout: int
    elsewhere: str | None

    @property
    def by_hand(self) -> bool:
        special = self.filter != MessageFilter() or self.edit != MessageEdit() or self.limit is not None
        return special or self.elsewhere is not None


def read_redrive_options(params: Mapping[str, Any], region: str) -> RedriveOptions:
    """Return the options of a redrive. Raises InvalidInputError with every fault."""
    problems = Problems()
    destination = params["destination"] or ""
    arn = parse_arn(destination)
    elsewhere = params["destination_region"] or (arn.region if arn else "")
    options = RedriveOptions(
        method=params["method"],
        rate=_bounded(params, "max_messages_per_second", 1, RATE_MAXIMUM, problems),
        limit=_bounded(params, "limit", 1, 10**9, problems),
        filter=read_filter(params["filter"], "filter", problems),
        edit=read_edit(params["edit"], "edit", problems),
        visibility_timeout=_bounded(params, "visibility_timeout", 30, VISIBILITY_MAXIMUM, problems) or 0,
        wait=params["wait"],
        wait_timeout=_bounded(params, "wait_timeout", 1, 129600, problems) or 0,
        elsewhere=elsewhere if elsewhere not in ("", region) else None,
    )
    if options.elsewhere and not destination:
        problems.add("destination_region", "needs a destination")
    if options.method == "native" and options.by_hand:
        problems.add(
            "method",
            "native moves everything within the region; a filter, an edit, a limit or "
            "another region needs by_hand or auto",
        )
    problems.raise_if_any("The redrive")
    return options


def _bounded(params: Mapping[str, Any], key: str, minimum: int, maximum: int, problems: Problems) -> int | None:
    if params[key] is None:
        return None
    return bounded_integer(params[key], key, problems, minimum=minimum, maximum=maximum)


class Redrive:
    """A redrive of a module: where from, where to, and by which method. Raises AwsCallError, InvalidInputError."""

    def __init__(self, module: Any, options: RedriveOptions, counter: CallCounter) -> None:
        self._module, self._options, self._counter = module, options, counter
        self._progress = reporter(module)
        self.source = open_queue(module, module.params["queue"], counter=counter)
        sources = self.source.queues.read_dead_letter_sources(self.source.url, self.source.queue.name)
        self._sources = {name_in(url): url for url in sources}
        self._target = self.source.messages
        self._destination = self._open_destination(module.params["destination"])
        if self._destination is None and not self._sources:
            raise AwsCallError(
                f"{self.source.queue.name} is not the dead-letter queue of any queue; name a destination",
                LookupError(self.source.queue.name),
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
        report = MoveTasks(self.source.messages, progress=self._progress).run(task, wait=options.wait)
        if options.method == "auto" and NO_SOURCE in (report.failure_reason or ""):
            rest = self._by_hand(task)
            rest.moved += report.moved
            return rest
        return report

    def cancel(self) -> Report | None:
        """Cancel the move task that is under way; return None when there is none."""
        tasks = MoveTasks(self.source.messages)
        if not self._module.check_mode:
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
        return HandRedrive(self.source.messages, self._target, self._destination_of, progress=self._progress).run(task)

    def _native_is_known(self) -> bool:
        """Ask for the tasks of the queue, which costs one read; only ``auto`` has another way when that fails."""
        if self._options.method == "native":
            return True
        impatient = connect(self._module, "sqs", self._counter, attempts=_PROBE_ATTEMPTS)
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
        region = self._options.elsewhere or region_of(self._module)
        (wanted,) = read_references([reference], region, "destination")
        client = connect(self._module, "sqs", self._counter, region=region)
        queues = QueueApi(client)
        found = queues.read({wanted.name: require_url(queues, wanted)}, tags=False)
        destination = OneQueue(found[wanted.name], queues, MessageApi(client))
        self._target = destination.messages
        problems = Problems()
        if destination.arn == self.source.arn:
            problems.add("destination", "is the queue itself")
        if destination.queue.fifo != self.source.queue.fifo:
            types = ("a standard", "a FIFO")
            problems.add(
                "destination",
                f"{wanted.name} is {types[destination.queue.fifo]} queue, and {self.source.queue.name} is "
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


def finish_redrive(module: Any, report: Report, seconds: float, **more: Any) -> None:
    """End the module with what a redrive did; fail when messages could not be moved."""
    result: dict[str, Any] = {
        "changed": report.moved > 0 or report.status == "RUNNING",
        "method": report.method,
        "moved": report.moved,
        "seen": report.seen,
        "status": report.status,
        "task_handle": report.handle,
        "destinations": report.destinations,
        "failed_messages": report.failed,
        "deferred_messages": report.deferred,
        "messages_per_second": round(report.moved / seconds, 1) if seconds else 0.0,
        **more,
    }
    if report.status == "FAILED":
        module.fail_json(msg=f"the move task of SQS failed: {report.failure_reason}; run again, or by_hand", **result)
    if report.failed:
        reasons = sorted({item["reason"] for item in report.failed})
        module.fail_json(
            msg=f"{report.moved} messages were moved; {len(report.failed)} stayed: {'; '.join(reasons)}", **result
        )
    if report.deferred:
        module.warn(f"{len(report.deferred)} messages stayed: {report.deferred[0]['reason']}")
    if report.status in ("RUNNING", "TIMED_OUT") and module.params["wait"]:
        module.warn(f"not finished after {module.params['wait_timeout']} s; run again to go on")
    module.exit_json(**result)


def purge_when_possible(queue: OneQueue, *, wait: bool, sleep: Callable[[float], None] = time.sleep) -> None:
    """Delete all messages, waiting for the minute after another purge to be over. Raises AwsCallError.

    Source: API_PurgeQueue.html.
    """
    waited = 0
    while True:
        try:
            queue.messages.purge(queue.url)
        except AwsCallError as error:
            if not wait or waited > PURGE_SECONDS or not has_code(error.cause, "PurgeQueueInProgress"):
                raise
        else:
            return
        sleep(_PURGE_PAUSE)
        waited += _PURGE_PAUSE
