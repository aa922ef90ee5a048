# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The difference between wanted and actual queues, and what may not be done unasked. Pure.

The plan is computed once: check mode and diff mode show it, a normal run applies it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from .._problems import Problems
from .._topology.policies import Document, SamePolicy
from .._topology.queue_attributes import (
    ATTRIBUTES,
    AttributeValue,
    effective_attributes,
)
from .._topology.tags import differing_tags
from .actual import ActualQueue
from .wanted import WantedQueue


@dataclass(frozen=True)
class QueueChange:
    """What has to be written for one queue.

    ``action`` is ``create``, ``update`` or ``delete``. ``attributes`` are the typed values to write; ``before`` and
    ``after`` are for showing.
    """

    action: str
    wanted: WantedQueue
    url: str | None = None
    attributes: dict[str, AttributeValue] = field(default_factory=dict)
    set_tags: dict[str, str] = field(default_factory=dict)
    remove_tags: list[str] = field(default_factory=list)
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)

    def summary(self) -> dict[str, Any]:
        """Return what the change does, for a module's result."""
        return {
            "name": self.wanted.name,
            "action": self.action,
            "attributes": sorted(self.attributes),
            "tags": sorted({*self.set_tags, *self.remove_tags}),
        }

    def diff(self) -> dict[str, Any]:
        """Return the change as Ansible's diff mode shows it."""
        return {
            "before_header": f"{self.wanted.name} ({self.action})",
            "after_header": f"{self.wanted.name} ({self.action})",
            "before": self.before,
            "after": self.after,
        }


def plan_present(
    wanted: Sequence[WantedQueue],
    actual: Mapping[str, ActualQueue],
    *,
    existing_names: Collection[str] = (),
    allow_lower_retention: bool = False,
    unreported: Collection[str] = (),
    same_policy: SamePolicy,
) -> list[QueueChange]:
    """Return the changes that make ``actual`` as ``wanted``, in the order given; nothing to do gives an empty list.

    :param actual: the queues that exist, by name.
    :param existing_names: names of all queues listed, to find a queue of the same stem and the other type.
    :param unreported: attributes that the endpoint does not report, which cannot be compared and are left out.

    Raises InvalidInputError for changes that SQS cannot make (type) or that need a confirmation (retention).
    """
    problems = Problems()
    changes = []
    for queue in wanted:
        actual_queue = actual.get(queue.name)
        if actual_queue is None:
            if queue.name_of_other_type in existing_names:
                problems.add(queue.path, _type_mismatch(str(queue.name_of_other_type), wanted_fifo=queue.fifo))
            changes.append(_create(queue))
            continue
        if actual_queue.fifo != queue.fifo:
            problems.add(queue.path, _type_mismatch(queue.name, wanted_fifo=queue.fifo))
            continue
        change = _update(queue, actual_queue, unreported, same_policy)
        if change is None:
            continue
        changes.append(change)
        _check_retention(change, actual_queue, problems, allowed=allow_lower_retention)
        _check_key_period(change, actual_queue, problems)
    problems.raise_if_any("The change of queues")
    return changes


def plan_absent(
    wanted: Sequence[WantedQueue], actual: Mapping[str, ActualQueue], *, allow_message_loss: bool = False
) -> list[QueueChange]:
    """Return the deletions of those queues that exist.

    Raises InvalidInputError for queues that still hold messages, unless ``allow_message_loss``.
    """
    problems = Problems()
    changes = []
    for queue in wanted:
        actual_queue = actual.get(queue.name)
        if actual_queue is None:
            continue
        if actual_queue.messages and not allow_message_loss:
            problems.add(
                queue.path,
                f"{queue.name} still holds {actual_queue.messages} messages, which would be lost; "
                "let them be processed, or set allow_message_loss: true",
            )
        changes.append(
            QueueChange(
                "delete",
                queue,
                url=actual_queue.url,
                before=_shown(actual_queue.attributes, actual_queue.tags),
                after={},
            )
        )
    problems.raise_if_any("The deletion of queues")
    return changes


def _type_mismatch(existing: str, *, wanted_fifo: bool) -> str:
    types = ("standard", "FIFO")
    return (
        f"{existing} exists as a {types[not wanted_fifo]} queue, and the type of a queue cannot be changed to "
        f"{types[wanted_fifo]}; the queue must be replaced: declare the new one under another name, "
        "move the messages, then delete this one"
    )


def _create(queue: WantedQueue) -> QueueChange:
    attributes = {key: value for key, value in queue.attributes.items() if value not in ("", {})}
    if attributes.get("kms_master_key_id"):
        # SQS switches its own encryption off by itself where a queue is created with a key.
        attributes.pop("sqs_managed_sse_enabled", None)
    if attributes.get("redrive_allow_policy") == {"redrivePermission": "allowAll"}:
        attributes.pop("redrive_allow_policy")
    return QueueChange(
        "create",
        queue,
        attributes=attributes,
        set_tags=dict(queue.tags or {}),
        after=_shown({"fifo": queue.fifo, **queue.attributes}, queue.tags),
    )


def _update(
    queue: WantedQueue, actual: ActualQueue, unreported: Collection[str], same_policy: SamePolicy
) -> QueueChange | None:
    attributes = differing_attributes(queue, actual.attributes, unreported, same_policy=same_policy)
    set_tags, remove_tags = differing_tags(queue.tags, actual.tags, purge=queue.purge_tags)
    if not attributes and not set_tags and not remove_tags:
        return None
    effective = effective_attributes(actual.attributes)
    managed = [key for key in queue.attributes if key not in unreported]
    after_tags = {key: value for key, value in {**actual.tags, **set_tags}.items() if key not in remove_tags}
    show_tags = queue.tags is not None
    return QueueChange(
        "update",
        queue,
        url=actual.url,
        attributes=attributes,
        set_tags=set_tags,
        remove_tags=remove_tags,
        before=_shown({key: effective.get(key) for key in managed}, actual.tags if show_tags else None),
        after=_shown(
            {key: attributes.get(key, effective.get(key)) for key in managed}, after_tags if show_tags else None
        ),
    )


def differing_attributes(
    queue: WantedQueue, actual: Mapping[str, Any], unreported: Collection[str] = (), *, same_policy: SamePolicy
) -> dict[str, AttributeValue]:
    """Return those wanted attributes that ``actual`` (as ``from_aws`` returns it) does not have."""
    effective = effective_attributes(actual)
    return {
        key: value
        for key, value in queue.attributes.items()
        if key not in unreported and key in effective and not _same(key, value, effective[key], same_policy)
    }


def _same(key: str, wanted: AttributeValue, actual: Any, same_policy: SamePolicy) -> bool:
    if key == "policy":
        return same_policy(actual, cast(Document, wanted)) if wanted and actual else not wanted and not actual
    if ATTRIBUTES[key].kind == "json":
        return _normalise(key, wanted) == _normalise(key, actual)
    return bool(wanted == actual)


def _normalise(key: str, document: Any) -> dict[str, Any]:
    """Return a document such that equal ones mean the same."""
    result = dict(document or {})
    if key == "redrive_allow_policy":
        # An absent policy allows all. Source: API_SetQueueAttributes.html, RedriveAllowPolicy.
        result.setdefault("redrivePermission", "allowAll")
        result["sourceQueueArns"] = sorted(result.get("sourceQueueArns") or [])
    return result


def _check_retention(change: QueueChange, actual: ActualQueue, problems: Problems, *, allowed: bool) -> None:
    wanted = change.attributes.get("message_retention_period")
    before = actual.attributes.get("message_retention_period")
    if allowed or not isinstance(wanted, int) or before is None or wanted >= before:
        return
    problems.add(
        change.wanted.path,
        f"message_retention_period would go down from {before} to {wanted} seconds, and messages older than that "
        "would be deleted; set allow_lower_retention: true to accept it",
    )


def _check_key_period(change: QueueChange, actual: ActualQueue, problems: Problems) -> None:
    period = "kms_data_key_reuse_period_seconds"
    key_id = change.attributes.get("kms_master_key_id", actual.attributes.get("kms_master_key_id"))
    if period in change.attributes and not key_id:
        problems.add(change.wanted.path, f"{period} needs a kms_master_key_id, and the queue has none")


def _shown(attributes: Mapping[str, Any], tags: Mapping[str, str] | None) -> dict[str, Any]:
    """Return the settable part of a queue's state, in a stable order."""
    keys = ("fifo", *ATTRIBUTES)
    result = {key: attributes[key] for key in keys if attributes.get(key) is not None}
    if tags is not None:
        result["tags"] = dict(sorted(tags.items()))
    return result
