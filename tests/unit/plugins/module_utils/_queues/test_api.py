# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads and writes of queues."""

from __future__ import annotations

from ansible_collections.ecommerce.sqs.plugins.module_utils._queues.api import QueueApi
from ansible_collections.ecommerce.sqs.tests.unit.support import engines
from ansible_collections.ecommerce.sqs.tests.unit.support.strict_sqs import StrictSqs


def test_pages_of_a_long_list_are_all_read() -> None:
    service = StrictSqs()
    topology = {
        "prefix": "big",
        "queues": {f"q{index:04}": {"external_consumer": True, "dead_letter": False} for index in range(30)},
        "services": {},
    }
    engines.apply_topology(service, topology)
    original = service.do_ListQueues
    service.do_ListQueues = lambda **parameters: original(**{**parameters, "MaxResults": 7})  # type: ignore[method-assign]
    assert engines.apply_topology(service, topology).changes == []


def test_long_work_counts_what_is_done() -> None:
    service = StrictSqs()
    engines.apply_queues(service, [{"name": "one"}, {"name": "two"}])
    counted: list[tuple[str, int, int]] = []
    api = QueueApi(service.client(), counting=lambda label: lambda done, total: counted.append((label, done, total)))
    api.read(api.list_urls(), tags=False)
    assert counted == [("read", 1, 2), ("read", 2, 2)]


def test_a_queue_that_is_gone_is_deleted() -> None:
    service = StrictSqs()
    QueueApi(service.client()).delete(service.url("orders"), "orders")
    assert service.queues == {}
