# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""The examples of the documentation run as they are written, one after the other, on a platform with messages."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
import yaml

from ansible_collections.ecommerce.sqs.tests.unit.support import engines, topologies
from ansible_collections.ecommerce.sqs.tests.unit.support.run_module import run_module
from ansible_collections.ecommerce.sqs.tests.unit.support.strict_messages import StrictMessages

MODULES = ["queues", "queue", "queue_info", "messages", "messages_info", "queue_redrive", "queue_purge"]
OURS = "ecommerce.sqs."


def tasks_of(module: str) -> list[dict[str, Any]]:
    documented = importlib.import_module(f"ansible_collections.ecommerce.sqs.plugins.modules.{module}")
    tasks: list[dict[str, Any]] = yaml.safe_load(documented.EXAMPLES)
    return tasks


@pytest.mark.parametrize("module", MODULES)
def test_examples_run(module: str) -> None:
    service = StrictMessages()
    engines.apply_topology(service, topologies.default())
    for index in range(20):
        service.dead_letter(
            "ecommerce-order-queue", "ecommerce-dlq", f'{{"order_id": {4700 + index}, "currency": "EURO"}}'
        )
    ran = 0
    for task in tasks_of(module):
        for action, arguments in task.items():
            if not action.startswith(OURS):
                continue
            result = run_module(action[len(OURS) :], service, arguments or {}, check_mode=task.get("check_mode", False))
            assert not result.get("failed"), (task["name"], result["msg"])
            ran += 1
            service.sleep(120)
    assert ran


def test_the_examples_do_what_they_say() -> None:
    service = StrictMessages()
    engines.apply_topology(service, topologies.default())
    (task,) = [task for task in tasks_of("queue_purge") if f"{OURS}queue_purge" in task]
    service.dead_letter("ecommerce-order-queue", "ecommerce-dlq", "poison")
    assert run_module("queue_purge", service, task[f"{OURS}queue_purge"])["messages_before"] == 1
    assert service.store["ecommerce-dlq"] == []
    assert run_module("queue_purge", service, task[f"{OURS}queue_purge"])["changed"] is False
