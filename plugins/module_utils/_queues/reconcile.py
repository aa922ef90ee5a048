# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reconcile a set of queues: read all, plan once, apply concurrently, wait once for all.

N queues that need nothing cost 1 + 2N reads; N new ones 2 + 2N calls, half of them the wait's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .._aws.client import AwsCallError, error_message, has_code
from .._aws.documents import same_policy
from .._topology.names import Place, parse_queue_arn, without_type
from .._topology.queue_attributes import effective_attributes
from .actual import ActualQueue
from .api import ALREADY_EXISTS, DELETED_RECENTLY, QueueApi
from .plan import (
    QueueChange,
    differing_attributes,
    plan_absent,
    plan_present,
)
from .wanted import WantedQueue

DELETED_NAME_SECONDS = 60
"""Seconds for which the name of a deleted queue cannot be used again. Source: API_DeleteQueue.html."""
CREATED_SECONDS = 1
"""Seconds after a creation before the queue may be used. Source: API_CreateQueue.html."""
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 5.0
_TARGET_MISSING = "Dead letter target does not exist"


@dataclass(frozen=True)
class Options:
    """How to reconcile. ``wait_timeout`` in seconds; ``sleep`` and ``clock`` are for tests."""

    check_mode: bool = False
    allow_lower_retention: bool = False
    allow_message_loss: bool = False
    wait: bool = True
    wait_timeout: int = 60
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic


@dataclass
class Outcome:
    """What was planned and done.

    ``queues`` are those wanted, by key, as they are after the run (or would be, in check mode); ``others`` the names
    of further queues that the listing by prefix showed; ``not_propagated`` the names of queues on which a written
    value was not yet read back when the wait ended.
    """

    changes: list[QueueChange] = field(default_factory=list)
    queues: dict[str, dict[str, Any]] = field(default_factory=dict)
    others: list[str] = field(default_factory=list)
    not_propagated: list[str] = field(default_factory=list)
    unreported: list[str] = field(default_factory=list)


class QueueReconciler:
    """Brings queues to a wanted state.

    ``place_of`` is called with the account that the queues read so far belong to, or None, and returns the place;
    so that an account is only looked up when no queue tells it.
    """

    def __init__(self, api: QueueApi, place_of: Callable[[str | None], Place], options: Options) -> None:
        self._api = api
        self._place_of = place_of
        self._options = options

    def present(self, names: Sequence[str], wanted_at: Callable[[Place], list[WantedQueue]]) -> Outcome:
        """Create and update queues.

        :param names: the names of all wanted queues.
        :param wanted_at: returns the wanted queues once the place is known.

        Raises InvalidInputError for a change that is refused, before any write, and AwsCallError.
        """
        listed, actual = self._read(names)
        place = self._place(actual)
        wanted = wanted_at(place)
        unreported = self._unreported(wanted, actual)
        outcome = Outcome(
            changes=plan_present(
                wanted,
                actual,
                existing_names=listed,
                allow_lower_retention=self._options.allow_lower_retention,
                unreported=unreported,
                same_policy=same_policy,
            ),
            others=sorted(name for name in listed if name not in names),
            unreported=unreported,
        )
        urls = {name: queue.url for name, queue in actual.items()}
        if not self._options.check_mode:
            urls.update(self._apply(outcome, actual))
        outcome.queues = {queue.key: self._result(queue, place, urls, actual) for queue in wanted}
        return outcome

    def absent(self, names: Sequence[str], wanted_at: Callable[[Place], list[WantedQueue]]) -> Outcome:
        """Delete queues, sources before their dead-letter queues.

        Raises InvalidInputError when one still holds messages and that was not confirmed, and AwsCallError.
        """
        _listed, actual = self._read(names, tags=False)
        if not actual:
            return Outcome()
        wanted = wanted_at(self._place(actual))
        changes = plan_absent(wanted, actual, allow_message_loss=self._options.allow_message_loss)
        outcome = Outcome(changes=changes)
        if not self._options.check_mode:
            for targets in (False, True):
                batch = [change for change in changes if change.wanted.is_target is targets]
                self._api.run_all("delete queues", self._delete, batch)
            if changes and self._options.wait:
                outcome.not_propagated = self._await_deleted([change.wanted.name for change in changes])
        return outcome

    def _read(self, names: Sequence[str], *, tags: bool = True) -> tuple[dict[str, str], dict[str, ActualQueue]]:
        # A queue of the same stem and the other type has to be seen as well.
        listed = self._api.list_urls(common_prefix([without_type(name) for name in names]))
        return listed, self._api.read({name: listed[name] for name in names if name in listed}, tags=tags)

    def _place(self, actual: Mapping[str, ActualQueue]) -> Place:
        arns = (parse_queue_arn(queue.attributes.get("arn")) for queue in actual.values())
        return self._place_of(next((arn.account_id for arn in arns if arn), None))

    def _unreported(self, wanted: Sequence[WantedQueue], actual: Mapping[str, ActualQueue]) -> list[str]:
        """Return the attributes that this endpoint does not report; asked only where a difference depends on it."""
        for queue in wanted:
            actual_queue = actual.get(queue.name)
            if actual_queue is not None and "redrive_allow_policy" in _differing(queue, actual_queue):
                reported = "redrive_allow_policy" in actual_queue.attributes
                if reported or self._api.reports_redrive_allow_policy(actual_queue.url, queue.name):
                    return []
                return ["redrive_allow_policy"]
        return []

    def _apply(self, outcome: Outcome, actual: Mapping[str, ActualQueue]) -> dict[str, str]:
        """Make the changes, dead-letter queues first; return the URLs of the queues changed, by name."""
        urls: dict[str, str] = {}
        for targets in (True, False):
            batch = [change for change in outcome.changes if change.wanted.is_target is targets]
            urls.update(self._api.run_all("change queues", lambda item: self._write(item, actual), batch))
        if outcome.changes and self._options.wait:
            outcome.not_propagated = self._await_written(outcome.changes, urls, outcome.unreported)
        return urls

    def _write(self, change: QueueChange, actual: Mapping[str, ActualQueue]) -> tuple[str, str]:
        name = change.wanted.name
        if change.action == "create":
            return name, self._create(change)
        self._write_update(change)
        return name, str(change.url)

    def _create(self, change: QueueChange) -> str:
        queue = change.wanted
        deadline = self._options.clock() + DELETED_NAME_SECONDS + _LONGEST_PAUSE
        while True:
            try:
                return self._api.create(queue.name, fifo=queue.fifo, attributes=change.attributes, tags=change.set_tags)
            except AwsCallError as error:
                if has_code(error.cause, *ALREADY_EXISTS):
                    return self._adopt(queue, error)
                patience = self._options.wait and self._options.clock() < deadline
                if not patience or not _passes_by_itself(error.cause):
                    raise
            self._options.sleep(_LONGEST_PAUSE)

    def _adopt(self, queue: WantedQueue, error: AwsCallError) -> str:
        """Update a queue that exists although the listing, which lags behind, did not show it."""
        url = self._api.find_url(queue.name)
        if url is None:
            raise error
        actual = self._api.read({queue.name: url})
        changes = plan_present(
            [queue], actual, allow_lower_retention=self._options.allow_lower_retention, same_policy=same_policy
        )
        for change in changes:
            if change.action != "update":
                raise error
            self._write_update(change)
        return url

    def _write_update(self, change: QueueChange) -> None:
        queue, url = change.wanted, str(change.url)
        if change.attributes:
            attributes = dict(change.attributes)
            if queue.attributes.get("policy"):
                # Not every endpoint keeps the policy when other attributes are set; SQS does, and loses nothing by it.
                attributes.setdefault("policy", queue.attributes["policy"])
            self._api.set_attributes(url, queue.name, attributes)
        if change.remove_tags:
            self._api.untag(url, queue.name, change.remove_tags)
        if change.set_tags:
            self._api.tag(url, queue.name, change.set_tags)

    def _delete(self, change: QueueChange) -> None:
        self._api.delete(str(change.url), change.wanted.name)

    def _await_written(
        self, changes: Sequence[QueueChange], urls: Mapping[str, str], unreported: Sequence[str]
    ) -> list[str]:
        """Wait for all written values together, until all are read back; return the names still waited for."""
        pending = {change.wanted.name: replace(change.wanted, attributes=change.attributes) for change in changes}
        pending = {name: queue for name, queue in pending.items() if queue.attributes}
        skipped = list(unreported)

        def still_differing() -> list[str]:
            actual = self._api.read({name: urls[name] for name in pending}, tags=False)
            late = []
            for name, queue in pending.items():
                differing = set(_differing(queue, actual[name])) - set(skipped) if name in actual else {"queue"}
                if differing == {"redrive_allow_policy"} and not self._api.reports_redrive_allow_policy(
                    urls[name], name
                ):
                    skipped.append("redrive_allow_policy")
                elif differing:
                    late.append(name)
            return late

        usable_at = self._options.clock() + CREATED_SECONDS
        late = self._poll(still_differing, pending)
        if any(change.action == "create" for change in changes):
            # Reading back took part of that second, or all of it.
            self._options.sleep(max(0.0, usable_at - self._options.clock()))
        return late

    def _await_deleted(self, names: Sequence[str]) -> list[str]:
        prefix = common_prefix(names)
        pending = dict.fromkeys(names)
        return self._poll(lambda: [name for name in self._api.list_urls(prefix) if name in pending], pending)

    def _poll(self, still_pending: Callable[[], list[str]], pending: dict[str, Any]) -> list[str]:
        """Call ``still_pending`` until nothing is, removing from ``pending`` what is done, or until the wait ends."""
        deadline = self._options.clock() + self._options.wait_timeout
        pause = _FIRST_PAUSE
        while pending:
            late = still_pending()
            for name in set(pending).difference(late):
                del pending[name]
            if not pending or self._options.clock() + pause > deadline:
                break
            self._options.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
        return sorted(pending)

    def _result(
        self, queue: WantedQueue, place: Place, urls: Mapping[str, str], actual: Mapping[str, ActualQueue]
    ) -> dict[str, Any]:
        actual_queue = actual.get(queue.name)
        attributes = {} if actual_queue is None else effective_attributes(actual_queue.attributes)
        attributes.update(queue.attributes)
        attributes["kms_master_key_id"] = attributes.get("kms_master_key_id") or None
        tags = (
            dict(actual_queue.tags) if actual_queue is not None and (queue.tags is None or not queue.purge_tags) else {}
        )
        return {
            **attributes,
            "name": queue.name,
            "url": urls.get(queue.name) or self._api.predicted_url(queue.name, place.account_id),
            "arn": place.queue_arn(queue.name),
            "fifo": queue.fifo,
            "tags": {**tags, **(queue.tags or {})},
        }


def common_prefix(names: Sequence[str]) -> str:
    """Return the longest beginning that all names share."""
    low, high = min(names, default=""), max(names, default="")
    return next((low[:index] for index, (one, two) in enumerate(zip(low, high)) if one != two), low)


def _differing(queue: WantedQueue, actual: ActualQueue) -> dict[str, Any]:
    return dict(differing_attributes(queue, actual.attributes, same_policy=same_policy))


def _passes_by_itself(error: BaseException) -> bool:
    """Tell the errors of a creation that end with time: a name just deleted, a dead-letter queue not yet seen."""
    return has_code(error, *DELETED_RECENTLY) or _TARGET_MISSING in error_message(error)
