# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""The house is in order: pure files import nothing that acts, I/O stands in api alone, no rooms lean in a circle."""

from __future__ import annotations

import pytest

from ansible_collections.ecommerce.sqs.tests.checkout import ROOT
from ansible_collections.ecommerce.sqs.tests.unit.support.rooms import (
    FLOORS,
    PACKAGE,
    faults,
    floors,
    room_arrows,
    sources,
)

HOUSE = sources(ROOT / "plugins" / "module_utils")


def test_every_file_has_its_room_and_imports_what_its_kind_may():
    assert faults(HOUSE) == []


def test_the_rooms_stand_on_four_floors():
    by_room = floors(room_arrows(HOUSE))
    assert max(by_room.values()) <= FLOORS, {room: floor for room, floor in by_room.items() if floor > FLOORS}


@pytest.mark.parametrize(
    ("name", "line", "fault"),
    [
        ("_alarms.plan", "import boto3", "is pure and imports boto3"),
        ("_queues.plan", "from botocore.exceptions import ClientError", "is pure and imports botocore.exceptions"),
        (
            "_vpc_endpoint.plan",
            "from ansible_collections.amazon.aws.plugins.module_utils.policy import compare_policies",
            "is pure and imports ansible_collections.amazon.aws.plugins.module_utils.policy",
        ),
        ("_topology.policies", "from .._aws.documents import same_policy", "imports _aws.documents, which is helper"),
        ("_topology.expand", f"from {PACKAGE}._aws.client import connect", "imports _aws.client, which is io"),
        ("_dotenv.text", "def read(path):\n    import os", "is pure and imports os"),
        ("_pm2.plan", "from pathlib import Path", "is pure and imports pathlib"),
        ("_systemd.plan", "text = open('/etc/hosts')", "is pure and calls open()"),
        ("_messages.received", "from datetime import datetime\nseen = datetime.now()", "asks the clock by now()"),
        ("_dashboard.reconcile", "import botocore.exceptions", "is join and imports botocore.exceptions"),
        ("_vpc_endpoint.reconcile", "import subprocess", "is join and imports subprocess"),
        (
            "_associations.reconcile",
            "from ansible.module_utils.basic import AnsibleModule",
            "imports ansible.module_utils.basic",
        ),
        ("_scaling.api", "from .reconcile import reconcile", "is io and imports _scaling.reconcile, which is join"),
        ("_alarms.api", "from .._aws import module", "is io and imports _aws.module, which is ansible"),
        ("_aws.steps", "from . import client", "is pure and imports _aws.client, which is io"),
        ("_topology.shapes", "from . import expand", "a circle of imports"),
        ("_associations.plan", "from .._instance_profiles.plan import predict", "a circle of rooms"),
        ("_alarms.helpers", "", "_alarms.helpers: has no room"),
    ],
)
def test_a_breach_is_found(name, line, fault):
    breached = faults({**HOUSE, name: f"{HOUSE.get(name, '')}\n{line}\n"})
    assert [found for found in breached if fault in found], breached


def test_a_file_that_is_gone_is_missed():
    rest = {name: text for name, text in HOUSE.items() if name != "_scaling.wanted"}
    assert any(fault.startswith("_scaling.wanted: HOUSE names it") for fault in faults(rest))


def test_a_room_on_another_is_one_floor_higher():
    assert floors({"roof": {"cellar", "hall"}, "hall": {"cellar"}, "cellar": set()}) == {
        "roof": 3,
        "hall": 2,
        "cellar": 1,
    }
