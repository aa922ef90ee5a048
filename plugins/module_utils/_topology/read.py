# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read and validate a topology as its operator wrote it; every fault is reported at once, with its path."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .._problems import (
    Problems,
    join,
    read_boolean,
    read_integer,
    read_mapping,
    refuse_unknown_keys,
    show,
)
from . import queue_attributes as sqs
from .alarms import read_settings
from .names import (
    DEAD_LETTER_QUEUE_KEYS,
    ROLE_NAME_MAXIMUM,
    check_queue_name,
    environment_key,
    queue_name,
    role_name,
    shared_instance_profile_name,
)
from .tags import check_number_of_tags, read_tags

DEFAULT_MAX_RECEIVE_COUNT = 3

_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_PROFILE_NAME = re.compile(r"[\w+=,.@-]{1,128}", re.ASCII)
_TOP_KEYS = {"alarms", "prefix", "queues", "services", "dead_letter_queue", "tags", "shared_instance_profile"}
_QUEUE_KEYS = {
    *sqs.SCALAR_KEYS,
    "alarms",
    "dead_letter",
    "external_consumer",
    "fifo",
    "handler_deadline",
    "max_receive_count",
    "tags",
}
_DEAD_LETTER_QUEUE_KEYS = {*sqs.SCALAR_KEYS, "alarms", "tags"}
_SERVICE_KEYS = {"consumes", "produces", "sends_sms"}


@dataclass
class QueueInput:
    """One queue as declared, defaults filled in. ``attributes`` are the scalar ones of its type.

    ``tags`` is None where neither the queue nor the topology speaks of tags.
    """

    key: str
    fifo: bool
    attributes: dict[str, Any]
    tags: dict[str, str] | None = None
    alarms: dict[str, Any] = field(default_factory=dict)
    dead_letter: bool = True
    max_receive_count: int = DEFAULT_MAX_RECEIVE_COUNT
    handler_deadline: int | None = None
    external_consumer: bool = False


@dataclass
class ServiceInput:
    """One service as declared."""

    name: str
    produces: list[str]
    consumes: list[str]
    sends_sms: bool


@dataclass
class TopologyInput:
    """A valid topology as declared. ``dead_letter_queues`` holds those that its queues need, by key."""

    prefix: str
    queues: dict[str, QueueInput]
    services: dict[str, ServiceInput]
    dead_letter_queues: dict[str, QueueInput]
    shared_instance_profile: str | None


def read_topology(topology: object) -> TopologyInput:
    """Return the validated topology.

    Raises InvalidInputError with every fault found: unknown keys, wrong types, values outside AWS's limits, names too
    long, services that refer to no queue, queues nobody consumes.
    """
    problems = Problems()
    if not isinstance(topology, Mapping):
        problems.add("", f"{show(topology)} is not a mapping")
        problems.raise_if_any("sqs_topology")
    given = read_mapping(topology, "", problems)
    refuse_unknown_keys(given, _TOP_KEYS, "", problems)
    prefix = _read_prefix(given.get("prefix"), problems)
    tags = _merge_tags(None, given.get("tags"), "tags", problems)
    alarms = read_settings(given.get("alarms"), "alarms", problems)
    queues = _read_queues(given.get("queues"), tags, alarms, problems)
    result = TopologyInput(
        prefix=prefix,
        queues=queues,
        services=_read_services(given.get("services"), given.get("queues"), problems),
        dead_letter_queues=_read_dead_letter_queues(given.get("dead_letter_queue"), queues, tags, alarms, problems),
        shared_instance_profile=_read_shared_profile(given.get("shared_instance_profile"), prefix, problems),
    )
    _check_names(result, problems)
    _check_consumers(result, problems)
    _check_retention(result, problems)
    problems.raise_if_any("sqs_topology")
    return result


def _read_prefix(value: object, problems: Problems) -> str:
    if value is None:
        problems.add("prefix", "is missing; it begins the name of everything that is made")
    elif not isinstance(value, str) or not value.isascii() or not _KEY.fullmatch(value):
        problems.add("prefix", f"{show(value)} must be a letter followed by letters, digits, hyphens or underscores")
    else:
        return str(value)
    return "prefix"


def _check_key(key: str, path: str, problems: Problems) -> bool:
    if key.isascii() and _KEY.fullmatch(key):
        return True
    problems.add(path, "the key must be a letter followed by letters, digits, hyphens or underscores")
    return False


def _read_queues(
    value: object, tags: dict[str, str] | None, alarms: dict[str, Any], problems: Problems
) -> dict[str, QueueInput]:
    given = read_mapping(value, "queues", problems)
    if value is None or (isinstance(value, Mapping) and not value):
        problems.add("queues", "is missing or empty; declare at least one queue")
    queues = {}
    environment: dict[str, str] = {}
    for key, raw in given.items():
        path = join("queues", key)
        if not _check_key(key, path, problems):
            continue
        if key in DEAD_LETTER_QUEUE_KEYS:
            problems.add(path, "the key is reserved for a dead-letter queue; set dead_letter_queue instead")
            continue
        other = environment.setdefault(environment_key(key), key)
        if other != key:
            problems.add(path, f"{environment_key(key)} would hold the URLs of both {other} and {key}; rename one")
        queues[key] = _read_queue(key, read_mapping(raw, path, problems), path, problems, tags=tags, alarms=alarms)
    return queues


def _read_queue(
    key: str,
    given: Mapping[str, Any],
    path: str,
    problems: Problems,
    *,
    tags: dict[str, str] | None,
    alarms: dict[str, Any],
) -> QueueInput:
    refuse_unknown_keys(given, _QUEUE_KEYS, path, problems)
    fifo = read_boolean(given.get("fifo"), join(path, "fifo"), problems, default=False)
    queue = QueueInput(
        key=key,
        fifo=fifo,
        attributes=_read_attributes(given, path, problems, fifo=fifo),
        tags=_merge_tags(tags, given.get("tags"), join(path, "tags"), problems),
        alarms=read_settings(given.get("alarms"), join(path, "alarms"), problems, dead_letter=False, general=alarms),
        dead_letter=read_boolean(given.get("dead_letter"), join(path, "dead_letter"), problems, default=True),
        max_receive_count=read_integer(
            given.get("max_receive_count"),
            join(path, "max_receive_count"),
            problems,
            default=DEFAULT_MAX_RECEIVE_COUNT,
            minimum=sqs.RECEIVE_COUNT_MINIMUM,
            maximum=sqs.RECEIVE_COUNT_MAXIMUM,
        ),
        external_consumer=read_boolean(
            given.get("external_consumer"), join(path, "external_consumer"), problems, default=False
        ),
    )
    if given.get("handler_deadline") is not None:
        queue.handler_deadline = read_integer(
            given["handler_deadline"],
            join(path, "handler_deadline"),
            problems,
            default=1,
            minimum=1,
            maximum=sqs.ATTRIBUTES["visibility_timeout"].maximum,
            unit="seconds",
        )
    return queue


def _read_attributes(
    given: Mapping[str, Any], path: str, problems: Problems, *, fifo: bool, dead_letter: bool = False
) -> dict[str, Any]:
    """Return the scalar attributes with the defaults of the queue's type and of its encryption filled in."""
    values = sqs.topology_defaults(fifo=fifo, dead_letter=dead_letter)
    declared = sqs.read_scalars(given, path, problems, fifo=fifo)
    values.update(declared)
    if declared.get("fifo_throughput_limit") == "perMessageGroupId" and "deduplication_scope" not in declared:
        values["deduplication_scope"] = "messageGroup"
    encrypted_with_key = bool(values["kms_master_key_id"])
    values.setdefault("sqs_managed_sse_enabled", not encrypted_with_key)
    if encrypted_with_key:
        values.setdefault("kms_data_key_reuse_period_seconds", sqs.DEFAULT_KMS_DATA_KEY_REUSE_PERIOD)
    elif "kms_data_key_reuse_period_seconds" in values and given.get("kms_master_key_id") is None:
        problems.add(join(path, "kms_data_key_reuse_period_seconds"), "needs a kms_master_key_id")
    return values


def _merge_tags(common: dict[str, str] | None, value: object, path: str, problems: Problems) -> dict[str, str] | None:
    if value is None:
        return common
    own = read_tags(value, path, problems)
    merged = {**(common or {}), **own}
    if len(merged) > len(own):
        check_number_of_tags(merged, path, problems, of=" with those of the topology")
    return merged


def _read_dead_letter_queues(
    value: object,
    queues: dict[str, QueueInput],
    tags: dict[str, str] | None,
    general_alarms: dict[str, Any],
    problems: Problems,
) -> dict[str, QueueInput]:
    path = "dead_letter_queue"
    given = read_mapping(value, path, problems)
    refuse_unknown_keys(given, _DEAD_LETTER_QUEUE_KEYS, path, problems)
    needed = {queue.fifo for queue in queues.values() if queue.dead_letter}
    own_tags = _merge_tags(tags, given.get("tags"), join(path, "tags"), problems)
    alarms = read_settings(
        given.get("alarms"), join(path, "alarms"), problems, dead_letter=True, general=general_alarms
    )
    standard_given = {key: item for key, item in given.items() if key not in sqs.FIFO_KEYS}
    for key in sqs.FIFO_KEYS:
        if given.get(key) is not None and True not in needed:
            problems.add(join(path, key), "no FIFO dead-letter queue is needed; remove it")
    # Both dead-letter queues read the same declaration: a fault that both have is reported once.
    found: dict[bool, dict[str, Any]] = {}
    errors: list[str] = []
    for fifo, item in ((False, standard_given), (True, given)):
        local = Problems()
        found[fifo] = _read_attributes(item, path, local, fifo=fifo, dead_letter=True)
        if not fifo or fifo in needed:
            errors.extend(error for error in local.errors if error not in errors)
    problems.errors.extend(errors)
    return {
        key: QueueInput(key=key, fifo=fifo, attributes=found[fifo], tags=own_tags, alarms=alarms, dead_letter=False)
        for key, fifo in (("dlq", False), ("dlq-fifo", True))
        if fifo in needed
    }


def _read_services(value: object, queues: object, problems: Problems) -> dict[str, ServiceInput]:
    known = {key for key in queues if isinstance(key, str)} if isinstance(queues, Mapping) else set()
    services = {}
    for name, raw in read_mapping(value, "services", problems).items():
        path = join("services", name)
        if not _check_key(name, path, problems):
            continue
        given = read_mapping(raw, path, problems)
        refuse_unknown_keys(given, _SERVICE_KEYS, path, problems)
        service = ServiceInput(
            name=name,
            produces=_read_references(given.get("produces"), known, join(path, "produces"), problems),
            consumes=_read_references(given.get("consumes"), known, join(path, "consumes"), problems),
            sends_sms=read_boolean(given.get("sends_sms"), join(path, "sends_sms"), problems, default=False),
        )
        if not given.get("produces") and not given.get("consumes") and not service.sends_sms:
            problems.add(path, "neither produces nor consumes nor sends_sms; remove it or say what it does")
        services[name] = service
    return services


def _read_references(value: object, known: set[str], path: str, problems: Problems) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, (list, tuple)):
        problems.add(path, f"{show(value)} is not a list of queues")
        return []
    result: list[str] = []
    for position, item in enumerate(value):
        where = f"{path}[{position}]"
        if not isinstance(item, str):
            problems.add(where, f"{show(item)} is not a string")
        elif item not in known:
            listed = ", ".join(sorted(known)) or "none"
            problems.add(where, f"there is no queue {show(item)}; declared are {listed}")
        elif item in result:
            problems.add(where, f"{show(item)} is listed twice")
        else:
            result.append(str(item))
    return result


def _read_shared_profile(value: object, prefix: str, problems: Problems) -> str | None:
    if value is None or value is False:
        return None
    if value is True:
        return shared_instance_profile_name(prefix)
    if isinstance(value, str) and _PROFILE_NAME.fullmatch(value):
        return str(value)
    problems.add("shared_instance_profile", f"{show(value)} is neither a boolean nor an instance profile's name")
    return None


def _check_names(topology: TopologyInput, problems: Problems) -> None:
    for queue in topology.queues.values():
        check_queue_name(queue_name(topology.prefix, queue.key, fifo=queue.fifo), join("queues", queue.key), problems)
    for queue in topology.dead_letter_queues.values():
        check_queue_name(queue_name(topology.prefix, queue.key, fifo=queue.fifo), "dead_letter_queue", problems)
    for service in topology.services:
        name = role_name(topology.prefix, service)
        if len(name) > ROLE_NAME_MAXIMUM:
            problems.add(
                join("services", service),
                f"role {show(name)} is {len(name)} characters, above {ROLE_NAME_MAXIMUM}",
            )


def _check_consumers(topology: TopologyInput, problems: Problems) -> None:
    consumed = {key for service in topology.services.values() for key in service.consumes}
    for queue in topology.queues.values():
        path = join("queues", queue.key)
        if queue.key not in consumed and not queue.external_consumer:
            problems.add(path, "no service consumes it; add it to a service's consumes or set external_consumer: true")
        timeout = queue.attributes["visibility_timeout"]
        if queue.handler_deadline is not None and queue.handler_deadline >= timeout:
            problems.add(
                join(path, "handler_deadline"),
                f"{queue.handler_deadline} is not below the visibility timeout of {timeout} seconds",
            )
        elif queue.key in consumed and timeout <= 1:
            problems.add(join(path, "visibility_timeout"), f"{timeout} leaves a handler no time; set 2 seconds or more")


def _check_retention(topology: TopologyInput, problems: Problems) -> None:
    """A standard queue's message keeps its first enqueue time in the DLQ. Source: sqs-dead-letter-queues.html."""
    target = topology.dead_letter_queues.get("dlq")
    if target is None:
        return
    limit = target.attributes["message_retention_period"]
    maximum = sqs.ATTRIBUTES["message_retention_period"].maximum
    for queue in topology.queues.values():
        own = queue.attributes["message_retention_period"]
        if queue.fifo or not queue.dead_letter or own < limit or own == limit == maximum:
            continue
        problems.add(
            join(join("queues", queue.key), "message_retention_period"),
            f"{own} is not below the dead-letter queue's {limit} seconds, "
            "and a message keeps its age when it moves there",
        )
