# SPDX-License-Identifier: GPL-3.0-or-later
"""The example of adding a queue and a worker does what its page says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from checkout import ROOT

pytestmark = pytest.mark.slow

BASES = [["-i", "inventories/local"], ["-i", "inventories/local", "-i", "examples/inventory_worker"]]


def evaluate(inventories: list[str], host: str, expression: str) -> Any:
    """What a Jinja expression gives for a host."""
    ansible = Path(sys.executable).with_name("ansible")
    result = subprocess.run(
        [ansible, *inventories, host, "-m", "ansible.builtin.debug", "-a", f"msg={{{{ {expression} }}}}"],
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.json", "ANSIBLE_LOAD_CALLBACK_PLUGINS": "1"},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return json.loads(result.stdout)["plays"][0]["tasks"][0]["hosts"][host]["msg"]


@pytest.fixture(scope="module")
def topologies() -> list[dict[str, Any]]:
    """The expanded topology without the example, and with it."""
    expression = "sqs_topology | ecommerce.sqs.expand(region=sqs_region, account_id='123456789012')"
    found: list[dict[str, Any]] = [evaluate(inventories, "localhost", expression) for inventories in BASES]
    return found


def test_the_queue_and_its_worker_are_derived(topologies: list[dict[str, Any]]) -> None:
    _unused, with_example = topologies
    queue = with_example["queues"]["inventory"]
    assert (queue["name"], queue["dead_letter_queue"], queue["max_receive_count"]) == (
        "ecommerce-inventory-queue",
        "dlq",
        3,
    )
    assert (queue["producers"], queue["consumers"]) == (["order"], ["inventory"])
    service = with_example["services"]["inventory"]
    assert [worker["name"] for worker in service["workers"]] == ["inventory-queue-worker"]
    assert service["instance_profile_name"] == "ecommerce-inventory-instance-profile"


def test_the_order_service_learns_the_queue_and_the_others_stay_as_they_are(topologies: list[dict[str, Any]]) -> None:
    without, with_example = topologies
    assert with_example["services"]["order"]["env"] == without["services"]["order"]["env"] | {
        "INVENTORY_QUEUE_URL": "inventory"
    }
    for service in ("payment", "notification"):
        assert with_example["services"][service] == without["services"][service]


def test_the_new_host_runs_the_new_service() -> None:
    groups, definition = evaluate(BASES[1], "inventory-1", "[group_names, service_definitions.inventory]")
    assert groups == ["inventory", "service_hosts"]
    assert definition["worker"]["handler"] == "python:storefront.inventory.worker:handle"
    assert definition["env"]["PORT"] in {8004, "8004"}
