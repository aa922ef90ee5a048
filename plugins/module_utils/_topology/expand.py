# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Expand a topology: derive names, ARNs, attributes, services and workers from what the operator declared."""

from __future__ import annotations

from typing import Any, cast

from .alarms import alarms
from .names import (
    Place,
    check_place,
    environment_key,
    instance_profile_name,
    partition_of,
    policy_name,
    process,
    queue_name,
    role_name,
    service_process_name,
    worker_name,
)
from .queue_attributes import SCALAR_KEYS
from .read import (
    QueueInput,
    ServiceInput,
    TopologyInput,
    read_topology,
)
from .shapes import ExpandedQueue, ExpandedService, ExpandedTopology, Worker

_DEADLINE_MARGIN = 30
_STOP_MARGIN = 10


def expand(
    topology: object, *, region: str, account_id: str | None = None, partition: str | None = None
) -> ExpandedTopology:
    """Return all that follows from ``topology``; see ``shapes`` for the form.

    Without ``account_id`` (12 digits) the ARNs are None. Without ``partition`` it follows from the region.
    Raises InvalidInputError with every fault of the topology, or for an impossible region, account or partition.
    """
    account = check_place(region, account_id, partition)
    declared = read_topology(topology)
    result: ExpandedTopology = {
        "prefix": declared.prefix,
        "region": region,
        "account_id": None,
        "partition": partition or partition_of(region),
        "shared_instance_profile": declared.shared_instance_profile,
        "queues": {
            queue.key: _expand_queue(queue, declared)
            for queue in (*declared.dead_letter_queues.values(), *declared.queues.values())
        },
        "services": {name: _expand_service(service, declared) for name, service in declared.services.items()},
        "alarms": [],
    }
    result["alarms"] = alarms(result)
    return in_place(result, Place(region, account, result["partition"])) if account else result


def in_place(expanded: ExpandedTopology, place: Place) -> ExpandedTopology:
    """Return an expanded topology with what follows from the account that it is in."""
    queues: dict[str, ExpandedQueue] = {
        key: {**queue, "arn": place.queue_arn(queue["name"])} for key, queue in expanded["queues"].items()
    }
    return {**expanded, "account_id": place.account_id, "partition": place.partition, "queues": queues}


def handler_deadline(queue: QueueInput) -> int:
    """Return the seconds that a handler may take: as declared, else from the visibility timeout.

    The default is 30 below the timeout, but never under half of it: the margin covers a long poll and the delete, so
    that a message is not visible again before its fate is known.
    """
    timeout: int = queue.attributes["visibility_timeout"]
    return queue.handler_deadline or max(timeout // 2, timeout - _DEADLINE_MARGIN, 1)


def _dead_letter_queue_of(queue: QueueInput) -> str | None:
    if not queue.dead_letter:
        return None
    return "dlq-fifo" if queue.fifo else "dlq"


def _expand_queue(queue: QueueInput, declared: TopologyInput) -> ExpandedQueue:
    name = queue_name(declared.prefix, queue.key, fifo=queue.fifo)
    is_dead_letter_queue = queue.key in declared.dead_letter_queues
    target = _dead_letter_queue_of(queue)
    fields: dict[str, Any] = {
        "key": queue.key,
        "name": name,
        "arn": None,
        "env": environment_key(queue.key),
        "fifo": queue.fifo,
        "dead_letter": is_dead_letter_queue,
        "dead_letter_queue": target,
        "max_receive_count": queue.max_receive_count if target else None,
        **dict.fromkeys(SCALAR_KEYS),
        **queue.attributes,
        "kms_master_key_id": queue.attributes["kms_master_key_id"] or None,
        "handler_deadline": None if is_dead_letter_queue else handler_deadline(queue),
        "external_consumer": queue.external_consumer,
        "tags": queue.tags,
        "alarms": queue.alarms,
        "producers": [service.name for service in declared.services.values() if queue.key in service.produces],
        "consumers": [service.name for service in declared.services.values() if queue.key in service.consumes],
    }
    return cast(ExpandedQueue, fields)


def _expand_service(service: ServiceInput, declared: TopologyInput) -> ExpandedService:
    prefix, shared = declared.prefix, declared.shared_instance_profile
    used = [*service.consumes, *(key for key in service.produces if key not in service.consumes)]
    return {
        "name": service.name,
        "process": process(service_process_name(service.name)),
        "produces": service.produces,
        "consumes": service.consumes,
        "sends_sms": service.sends_sms,
        "role_name": role_name(prefix, service.name, shared=bool(shared)),
        "policy_name": policy_name(prefix, service.name, shared=bool(shared)),
        "instance_profile_name": shared or instance_profile_name(prefix, service.name),
        "env": {environment_key(key): key for key in used},
        "workers": [_worker(service, declared.queues[key]) for key in service.consumes],
    }


def _worker(service: ServiceInput, queue: QueueInput) -> Worker:
    deadline = handler_deadline(queue)
    poll: int = queue.attributes["receive_message_wait_time_seconds"]
    name = worker_name(service.name, queue.key, of_several=len(service.consumes) > 1)
    return {
        "name": name,
        "process": process(name),
        "queue": queue.key,
        "dead_letter_queue": _dead_letter_queue_of(queue),
        "deadline": deadline,
        "stop_timeout": deadline + poll + _STOP_MARGIN,
    }
