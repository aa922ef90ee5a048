# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""How processes of services and workers are named, with their units and logs."""

from __future__ import annotations

from ansible_collections.ecommerce.sqs.plugins.module_utils._topology.expand import expand
from ansible_collections.ecommerce.sqs.plugins.module_utils._topology.names import process


def processes(consumes: list[str]) -> list[str]:
    """The processes of the service pay that consumes these queues."""
    queues = {name: {} for name in consumes}
    topology = {"prefix": "shop", "queues": queues, "services": {"pay": {"consumes": consumes}}}
    service = expand(topology, region="eu-west-1")["services"]["pay"]
    return [service["process"]["name"], *(worker["process"]["name"] for worker in service["workers"])]


def test_a_worker_is_named_for_its_service_and_for_its_queue_where_the_service_has_several() -> None:
    assert processes(["order"]) == ["pay-service", "pay-queue-worker"]
    assert processes(["order", "refund"]) == ["pay-service", "pay-order-queue-worker", "pay-refund-queue-worker"]


def test_units_and_logs_are_named_for_the_process() -> None:
    assert process("pay-service") == {
        "name": "pay-service",
        "unit": "pay-service.service",
        "template_unit": "pay-service@.service",
        "log": "logs/pay-service.log",
        "error_log": "logs/pay-service.error.log",
    }
