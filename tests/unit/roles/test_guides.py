# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of the guides name what there is: every alarm with its number, every key of a service definition."""

from __future__ import annotations

import re

from ansible_collections.ecommerce.sqs.plugins.module_utils._topology.alarms import KINDS
from ansible_collections.ecommerce.sqs.plugins.module_utils._topology.expand import expand
from ansible_collections.ecommerce.sqs.tests.checkout import ROOT
from ansible_collections.ecommerce.sqs.tests.unit.support.topologies import default

ALARMS = {alarm["AlarmName"]: alarm for alarm in expand(default(), region="ap-southeast-1")["alarms"]}


def first_cells(text: str) -> set[str]:
    """What stands in backticks in the first column of the tables of a text."""
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])}


def test_every_kind_of_alarm_is_described_under_its_name() -> None:
    text = (ROOT / "roles/alarms/README.md").read_text()
    assert first_cells(text) == set(KINDS)
    assert set(re.findall(r"\| `\w+` \| `([\w-]+)` \|", text)) <= set(ALARMS)


def test_the_threshold_of_the_backlog_is_the_one_described() -> None:
    text = (ROOT / "roles/alarms/README.md").read_text()
    assert f"more than {ALARMS['high-order-queue-depth']['Threshold']:.0f} messages wait" in text


def test_every_key_of_a_service_definition_is_described() -> None:
    guide = (ROOT / "docs/setup-guide.md").read_text()
    variables = (ROOT / "playbooks/vars/hosts.yml").read_text()
    gate = (ROOT / "playbooks/tasks/deploy/gate.yml").read_text()
    service = set(re.findall(r"hosts_definition\.(\w+)", variables))
    service |= set(re.findall(r"service_definitions\) \| map\(attribute='(\w+)'", gate))
    worker = set(re.findall(r"hosts_worker_definition\.(\w+)", variables))
    assert {"source", "env", "health_urls"} <= service
    assert {"handler", "concurrency"} <= worker
    assert service | worker <= first_cells(guide)
