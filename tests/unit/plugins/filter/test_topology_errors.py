# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.ecommerce.sqs.plugins.filter.topology_errors import topology_errors

VALID = {"prefix": "shop", "queues": {"order": {}}, "services": {"payment": {"consumes": ["order"]}}}


def test_a_valid_topology_has_no_errors():
    assert topology_errors(VALID, region="ap-southeast-1") == []


def test_every_fault_is_listed_with_its_path():
    broken = {**VALID, "queues": {"order": {"visibility_timeout": 50000, "delay_seconds": -1}}}
    errors = topology_errors(broken, region="ap-southeast-1")
    assert [error.partition(":")[0] for error in sorted(errors)] == [
        "queues.order.delay_seconds",
        "queues.order.visibility_timeout",
    ]


@pytest.mark.parametrize("services", ["payment,refund", ["payment", "refund"]])
def test_an_unknown_service_is_named_beside_the_known_ones(services):
    assert topology_errors(VALID, region="ap-southeast-1", services=services) == [
        "services: there is no service 'refund'; declared are payment"
    ]


@pytest.mark.parametrize("services", [None, "", "payment", " payment ", ["payment"]])
def test_known_services_are_accepted(services):
    assert topology_errors(VALID, region="ap-southeast-1", services=services) == []
