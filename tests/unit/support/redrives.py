# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""A service with dead-letter queues and their sources, for redrives."""

from __future__ import annotations

from typing import Any

from ansible_collections.ecommerce.sqs.plugins.module_utils._messages.redrive_options import Task
from ansible_collections.ecommerce.sqs.tests.unit.support import engines
from ansible_collections.ecommerce.sqs.tests.unit.support.strict_messages import StrictMessages

QUEUES: list[dict[str, Any]] = [
    {"name": "dlq"},
    {"name": "orders", "redrive_policy": {"dead_letter_queue": "dlq"}},
    {"name": "mails", "redrive_policy": {"dead_letter_queue": "dlq"}},
    {"name": "dlq.fifo"},
    {"name": "ledger.fifo", "redrive_policy": {"dead_letter_queue": "dlq.fifo"}},
]


def make_service() -> StrictMessages:
    service = StrictMessages()
    engines.apply_queues(service, QUEUES)
    service.forget_calls()
    return service


def task(service: StrictMessages, source: str = "dlq", **more: Any) -> Task:
    return Task(source_url=service.url(source), source_arn=service.arn(source), **more)


def fill(service: StrictMessages, count: int = 23) -> None:
    for index in range(count):
        service.dead_letter(("orders", "mails")[index % 2], "dlq", f"m{index}")
