# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Expand a topology: derive names, ARNs, attributes, services and workers from what the operator declared."""

from __future__ import annotations

import re
from typing import Any, cast

from .._problems import Problems, as_integer, show
from .alarms import alarms
from .read import (
    QueueInput,
    ServiceInput,
    TopologyInput,
    environment_key,
    queue_name,
    read_topology,
    role_name,
)
from .shapes import ExpandedQueue, ExpandedService, ExpandedTopology, Worker

_PARTITIONS = (
    ("cn-", "aws-cn"),
    ("us-gov-", "aws-us-gov"),
    ("us-isob-", "aws-iso-b"),
    ("us-isof-", "aws-iso-f"),
    ("us-iso-", "aws-iso"),
    ("eu-isoe-", "aws-iso-e"),
    ("eusc-", "aws-eusc"),
)
_REGION = re.compile(r"[a-z]{2,}(-[a-z]+)+-\d+")
_PARTITION = re.compile(r"aws(-[a-z]+)*")

_DEADLINE_MARGIN = 30
_STOP_MARGIN = 10


def expand(
    topology: object, *, region: str, account_id: str | None = None, partition: str | None = None
) -> ExpandedTopology:
    """Return all that follows from ``topology``; see ``topology_types`` for the shape.

    Without ``account_id`` (12 digits) the ARNs are None. Without ``partition`` it follows from the region.
    Raises InvalidInputError with every fault of the topology, or for an impossible region, account or partition.
    """
    account = check_place(region, account_id, partition)
    declared = read_topology(topology)
    partition = partition or partition_of(region)
    result: ExpandedTopology = {
        "prefix": declared.prefix,
        "region": region,
        "account_id": account,
        "partition": partition,
        "shared_instance_profile": declared.shared_instance_profile,
        "queues": {},
        "services": {name: _expand_service(service, declared) for name, service in declared.services.items()},
        "alarms": [],
    }
    for queue in (*declared.dead_letter_queues.values(), *declared.queues.values()):
        result["queues"][queue.key] = _expand_queue(queue, declared, region, account, partition)
    result["alarms"] = alarms(result)
    return result


def partition_of(region: str) -> str:
    """Return the partition of a region by its prefix."""
    return next((partition for prefix, partition in _PARTITIONS if region.startswith(prefix)), "aws")


def queue_arn(name: str, *, region: str, account_id: str, partition: str) -> str:
    """Return a queue's ARN, which follows from where the queue is and how it is named."""
    return f"arn:{partition}:sqs:{region}:{account_id}:{name}"


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


def check_place(region: object, account_id: object, partition: object = None) -> str | None:
    """Return the account as a string, or None without one.

    Raises InvalidInputError for a region, an account or a partition that cannot be one.
    """
    problems = Problems()
    if not isinstance(region, str) or not _REGION.fullmatch(region):
        problems.add("region", f"{show(region)} is not a region such as ap-southeast-1")
    if partition is not None and not (isinstance(partition, str) and _PARTITION.fullmatch(partition)):
        problems.add("partition", f"{show(partition)} is not a partition such as aws or aws-cn")
    account: str | None = None
    if account_id is not None and account_id != "":
        account = str(account_id)
        if as_integer(account_id) is None or not re.fullmatch(r"[0-9]{12}", account):
            problems.add("account_id", f"{show(account_id)} is not an account of 12 digits; quote it")
    problems.raise_if_any("The place of sqs_topology")
    return account


def _expand_queue(
    queue: QueueInput, declared: TopologyInput, region: str, account: str | None, partition: str
) -> ExpandedQueue:
    name = queue_name(declared.prefix, queue.key, fifo=queue.fifo)
    is_dead_letter_queue = queue.key in declared.dead_letter_queues
    target = _dead_letter_queue_of(queue)
    fields: dict[str, Any] = {
        "key": queue.key,
        "name": name,
        "arn": queue_arn(name, region=region, account_id=account, partition=partition) if account else None,
        "env": environment_key(queue.key),
        "fifo": queue.fifo,
        "dead_letter": is_dead_letter_queue,
        "dead_letter_queue": target,
        "max_receive_count": queue.max_receive_count if target else None,
        "kms_data_key_reuse_period_seconds": None,
        "content_based_deduplication": None,
        "deduplication_scope": None,
        "fifo_throughput_limit": None,
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
        "produces": service.produces,
        "consumes": service.consumes,
        "sends_sms": service.sends_sms,
        "role_name": role_name(prefix, "ec2" if shared else service.name),
        "policy_name": f"{prefix}-sqs-policy" if shared else f"{prefix}-{service.name}-sqs-policy",
        "instance_profile_name": shared or f"{prefix}-{service.name}-instance-profile",
        "env": {environment_key(key): key for key in used},
        "workers": [_worker(service, declared.queues[key]) for key in service.consumes],
    }


def _worker(service: ServiceInput, queue: QueueInput) -> Worker:
    deadline = handler_deadline(queue)
    poll: int = queue.attributes["receive_message_wait_time_seconds"]
    single = len(service.consumes) == 1
    return {
        "name": f"{service.name}-queue-worker" if single else f"{service.name}-{queue.key}-queue-worker",
        "queue": queue.key,
        "dead_letter_queue": _dead_letter_queue_of(queue),
        "deadline": deadline,
        "stop_timeout": deadline + poll + _STOP_MARGIN,
    }
