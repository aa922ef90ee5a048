# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the queue engine, and reach messages, on a fake service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.ecommerce.sqs.plugins.module_utils._messages.api import MessageApi
from ansible_collections.ecommerce.sqs.plugins.module_utils._queues.api import QueueApi
from ansible_collections.ecommerce.sqs.plugins.module_utils._queues.reconcile import Options, Outcome, QueueReconciler
from ansible_collections.ecommerce.sqs.plugins.module_utils._queues.wanted import from_topology, read_arguments
from ansible_collections.ecommerce.sqs.plugins.module_utils._topology.expand import expand
from ansible_collections.ecommerce.sqs.plugins.module_utils._topology.names import Place
from ansible_collections.ecommerce.sqs.tests.unit.support import strict_sqs

PLACE = Place(region=strict_sqs.REGION, account_id=strict_sqs.ACCOUNT, partition="aws")


def engine(service: strict_sqs.StrictSqs, client: Any = None, **options: Any) -> QueueReconciler:
    chosen = Options(sleep=service.sleep, clock=service.clock, **options)
    return QueueReconciler(QueueApi(client or service.client()), lambda _account: PLACE, chosen)


def apply_topology(service: strict_sqs.StrictSqs, topology: Mapping[str, Any], **options: Any) -> Outcome:
    expanded = expand(topology, region=PLACE.region, account_id=PLACE.account_id)
    names = [queue["name"] for queue in expanded["queues"].values()]
    return engine(service, **options).present(names, lambda _place: from_topology(expanded))


def delete_topology(service: strict_sqs.StrictSqs, topology: Mapping[str, Any], **options: Any) -> Outcome:
    expanded = expand(topology, region=PLACE.region, account_id=PLACE.account_id)
    names = [queue["name"] for queue in expanded["queues"].values()]
    return engine(service, **options).absent(names, lambda _place: from_topology(expanded))


def apply_queues(
    service: strict_sqs.StrictSqs, queues: Sequence[Mapping[str, Any]], *, purge_tags: bool = True, **options: Any
) -> Outcome:
    return engine(service, **options).present(
        [queue["name"] for queue in queues],
        lambda place: read_arguments(queues, place, indexed=True, purge_tags=purge_tags),
    )


def messages_of(service: strict_sqs.StrictSqs) -> MessageApi:
    """Return the messages of the service, for which waiting takes virtual time."""
    return MessageApi(service.client(), sleep=service.sleep)
