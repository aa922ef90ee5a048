# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What queues are wanted: the same form whether they come from a topology or from a module's arguments. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .._problems import Problems, join, read_integer, read_mapping, refuse_unknown_keys, show
from .._topology import queue_attributes as sqs
from .._topology.expand import expand, in_place
from .._topology.names import Place, check_queue_name, is_arn, is_fifo, name_of_other_type, parse_queue_arn
from .._topology.policies import queue_policy
from .._topology.queue_attributes import AttributeValue
from .._topology.shapes import ExpandedQueue, ExpandedTopology
from .._topology.tags import read_tags

REDRIVE_PERMISSIONS = ("allowAll", "denyAll", "byQueue")


@dataclass(frozen=True)
class WantedQueue:
    """One queue as it should be.

    ``attributes`` holds typed values of those attributes that are managed; a key that is not there stays as it is,
    an empty document or string is removed. ``tags`` is None when tags are not managed. ``is_target`` marks the
    dead-letter queue of another, which has to be there before that one and to go after it. ``name_of_other_type`` is
    that of a queue of the other type that must not exist beside this one, or None.
    """

    key: str
    name: str
    fifo: bool
    path: str
    attributes: dict[str, AttributeValue] = field(default_factory=dict)
    tags: dict[str, str] | None = None
    purge_tags: bool = True
    is_target: bool = False
    name_of_other_type: str | None = None


@dataclass(frozen=True)
class Wanted:
    """The queues that were asked for, before the account is known.

    ``names`` are theirs; ``at`` returns them in full, once it is known where they are, and raises InvalidInputError;
    ``derived`` is what a topology says of each besides, by key.
    """

    names: list[str]
    at: Callable[[Place], list[WantedQueue]]
    derived: Mapping[str, ExpandedQueue] = field(default_factory=dict)


def of_topology(topology: object, *, region: str, account_id: str | None, purge_tags: bool) -> Wanted:
    """Return the queues of a topology. Raises InvalidInputError with every fault."""
    expanded = expand(topology, region=region, account_id=account_id)

    def at(place: Place) -> list[WantedQueue]:
        return from_topology(in_place(expanded, place), purge_tags=purge_tags)

    return Wanted([queue["name"] for queue in expanded["queues"].values()], at, expanded["queues"])


def of_arguments(queues: Sequence[Mapping[str, Any]], *, indexed: bool, purge_tags: bool) -> Wanted:
    """Return the queues of a module's arguments. Raises InvalidInputError with every fault."""
    check_arguments(queues, indexed=indexed)

    def at(place: Place) -> list[WantedQueue]:
        return read_arguments(queues, place, indexed=indexed, purge_tags=purge_tags)

    return Wanted([str(queue["name"]) for queue in queues], at)


def from_topology(expanded: ExpandedTopology, *, purge_tags: bool = True) -> list[WantedQueue]:
    """Return the queues of a topology that was expanded with an account.

    Raises InvalidInputError for queues whose policy would be larger than SQS allows.
    """
    problems = Problems()
    result = []
    for queue in expanded["queues"].values():
        try:
            result.append(_from_expanded(expanded, queue, purge_tags))
        except ValueError as error:  # noqa: PERF203 - every queue is judged
            problems.add("", str(error))
    problems.raise_if_any("sqs_topology")
    return result


def _from_expanded(expanded: ExpandedTopology, queue: ExpandedQueue, purge_tags: bool) -> WantedQueue:
    values: Mapping[str, Any] = queue
    attributes: dict[str, AttributeValue] = {key: values[key] for key in sqs.SCALAR_KEYS if values.get(key) is not None}
    attributes.setdefault("kms_master_key_id", "")
    attributes["policy"] = queue_policy(expanded, queue["key"])
    attributes["redrive_policy"] = _redrive_policy(expanded, queue)
    attributes["redrive_allow_policy"] = _redrive_allow_policy(expanded, queue)
    return WantedQueue(
        key=queue["key"],
        name=queue["name"],
        fifo=queue["fifo"],
        path="dead_letter_queue" if queue["dead_letter"] else f"queues.{queue['key']}",
        attributes=attributes,
        tags=queue["tags"],
        purge_tags=purge_tags,
        is_target=queue["dead_letter"],
        # The two dead-letter queues stand side by side; of any other queue there is one type only.
        name_of_other_type=None if queue["dead_letter"] else name_of_other_type(queue["name"]),
    )


def _redrive_policy(expanded: ExpandedTopology, queue: ExpandedQueue) -> dict[str, Any]:
    if queue["dead_letter_queue"] is None:
        return {}
    return {
        "deadLetterTargetArn": expanded["queues"][queue["dead_letter_queue"]]["arn"],
        "maxReceiveCount": queue["max_receive_count"],
    }


def _redrive_allow_policy(expanded: ExpandedTopology, queue: ExpandedQueue) -> dict[str, Any]:
    """Name the source queues where SQS's limit allows it."""
    if not queue["dead_letter"]:
        return {}
    sources = [item["arn"] for item in expanded["queues"].values() if item["dead_letter_queue"] == queue["key"]]
    if len(sources) > sqs.REDRIVE_ALLOW_SOURCES:
        return {"redrivePermission": "allowAll"}
    return {"redrivePermission": "byQueue", "sourceQueueArns": sorted(str(arn) for arn in sources)}


def check_arguments(queues: Sequence[Mapping[str, Any]], *, indexed: bool) -> None:
    """Raise InvalidInputError with every fault of queues given as module arguments.

    ``indexed`` says whether paths begin with ``queues[N]``. Needs no place, so it runs before the first AWS call.
    """
    read_arguments(queues, Place("region", "0" * 12, "aws"), indexed=indexed, purge_tags=True)


def read_arguments(
    queues: Sequence[Mapping[str, Any]], place: Place, *, indexed: bool, purge_tags: bool
) -> list[WantedQueue]:
    """Return the queues given as module arguments (None counts as absent).

    Raises InvalidInputError with every fault.
    """
    problems = Problems()
    result: list[WantedQueue] = []
    seen: set[str] = set()
    for position, given in enumerate(queues):
        path = f"queues[{position}]" if indexed else ""
        queue = _read_queue(given, path, place, problems, purge_tags)
        if queue is None:
            continue
        if queue.name in seen:
            problems.add(join(path, "name"), f"{show(queue.name)} is listed twice")
        seen.add(queue.name)
        result.append(queue)
    problems.raise_if_any("queues" if indexed else "The queue")
    targets = {str(_target_of(queue)) for queue in result}
    return [replace(queue, is_target=place.queue_arn(queue.name) in targets) for queue in result]


def _target_of(queue: WantedQueue) -> object:
    policy = queue.attributes.get("redrive_policy")
    return policy.get("deadLetterTargetArn") if isinstance(policy, dict) else None


def _read_queue(
    given: Mapping[str, Any], path: str, place: Place, problems: Problems, purge_tags: bool
) -> WantedQueue | None:
    name = given.get("name")
    if not check_queue_name(name, join(path, "name"), problems):
        return None
    name = str(name)
    fifo = is_fifo(name)
    wanted = given.get("fifo")
    if wanted is not None and bool(wanted) != fifo:
        problems.add(
            join(path, "fifo"),
            f"{str(bool(wanted)).lower()} does not go with the name {show(name)}; "
            "the name of a FIFO queue, and of no other, ends in .fifo",
        )
        return None
    attributes = sqs.read_scalars(given, path, problems, fifo=fifo)
    if given.get("policy") is not None:
        policy = sqs.read_attribute(sqs.ATTRIBUTES["policy"], given["policy"], join(path, "policy"), problems)
        attributes["policy"] = policy or {}
    if given.get("redrive_policy") is not None:
        attributes["redrive_policy"] = _read_redrive(
            given["redrive_policy"], join(path, "redrive_policy"), place, problems, fifo=fifo
        )
    if given.get("redrive_allow_policy") is not None:
        attributes["redrive_allow_policy"] = _read_redrive_allow(
            given["redrive_allow_policy"], join(path, "redrive_allow_policy"), place, problems
        )
    if attributes.get("kms_master_key_id"):
        attributes.setdefault("sqs_managed_sse_enabled", False)
    elif attributes.get("sqs_managed_sse_enabled"):
        attributes.setdefault("kms_master_key_id", "")
    tags = given.get("tags")
    return WantedQueue(
        key=name,
        name=name,
        fifo=fifo,
        path=path or name,
        attributes=attributes,
        tags=None if tags is None else read_tags(tags, join(path, "tags"), problems),
        purge_tags=purge_tags,
    )


def _read_redrive(value: object, path: str, place: Place, problems: Problems, *, fifo: bool) -> dict[str, Any]:
    given = {key: item for key, item in read_mapping(value, path, problems).items() if item is not None}
    if not given:
        return {}
    refuse_unknown_keys(given, {"dead_letter_queue", "max_receive_count"}, path, problems)
    target = _read_arn(given.get("dead_letter_queue"), join(path, "dead_letter_queue"), place, problems)
    if target is not None and is_fifo(target) != fifo:
        kinds = ("a FIFO queue", "a standard queue")
        problems.add(
            join(path, "dead_letter_queue"),
            f"the dead-letter queue of {kinds[not fifo]} must be {kinds[not fifo]} too",
        )
    count = read_integer(
        given.get("max_receive_count"),
        join(path, "max_receive_count"),
        problems,
        default=sqs.DEFAULT_RECEIVE_COUNT,
        minimum=sqs.RECEIVE_COUNT_MINIMUM,
        maximum=sqs.RECEIVE_COUNT_MAXIMUM,
    )
    return {"deadLetterTargetArn": target, "maxReceiveCount": count}


def _read_redrive_allow(value: object, path: str, place: Place, problems: Problems) -> dict[str, Any]:
    given = {key: item for key, item in read_mapping(value, path, problems).items() if item is not None}
    if not given:
        return {}
    refuse_unknown_keys(given, {"permission", "source_queues"}, path, problems)
    permission = given.get("permission", "byQueue" if given.get("source_queues") else "allowAll")
    if permission not in REDRIVE_PERMISSIONS:
        problems.add(join(path, "permission"), f"{show(permission)} is not one of {', '.join(REDRIVE_PERMISSIONS)}")
    sources = given.get("source_queues")
    where = join(path, "source_queues")
    if permission != "byQueue":
        if sources:
            problems.add(where, "only permission: byQueue takes it")
        return {"redrivePermission": permission}
    if not isinstance(sources, (list, tuple)) or not sources:
        problems.add(where, "permission: byQueue needs a list of source queues")
        return {}
    if len(sources) > sqs.REDRIVE_ALLOW_SOURCES:
        problems.add(where, f"{len(sources)} is above {sqs.REDRIVE_ALLOW_SOURCES}; use permission: allowAll")
    arns = [_read_arn(source, f"{where}[{index}]", place, problems) for index, source in enumerate(sources)]
    return {"redrivePermission": permission, "sourceQueueArns": sorted(arn for arn in arns if arn)}


def _read_arn(value: object, path: str, place: Place, problems: Problems) -> str | None:
    """Return the ARN of a queue given by name (in the same place) or by ARN."""
    if is_arn(value):
        if parse_queue_arn(value):
            return str(value)
        problems.add(path, f"{show(value)} is not the ARN of a queue")
        return None
    return place.queue_arn(str(value)) if check_queue_name(value, path, problems) else None
