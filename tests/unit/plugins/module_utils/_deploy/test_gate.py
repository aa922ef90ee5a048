# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.ecommerce.sqs.plugins.module_utils._deploy.gate import (
    canary_messages,
    canary_queues,
    gate_workers,
)
from ansible_collections.ecommerce.sqs.plugins.module_utils._topology.expand import expand

TOPOLOGY = expand(
    {
        "prefix": "shop",
        "queues": {
            "order": {},
            "payment": {"fifo": True},
            "audit": {"external_consumer": True},
            "shared": {},
        },
        "services": {
            "order": {"produces": ["order", "audit", "shared"], "consumes": ["payment"]},
            "payment": {"consumes": ["order", "audit", "shared"], "produces": ["payment"]},
            "legacy": {"consumes": ["shared"]},
        },
    },
    region="ap-southeast-1",
)
DEFINITIONS = {
    "order": {},
    "payment": {"worker": {"instances": 2}},
    "legacy": {"worker": {"command": ["node", "w.js"]}},
}


def queues(*services):
    return canary_queues(TOPOLOGY, services, DEFINITIONS)


def workers(*services, **values):
    return gate_workers(TOPOLOGY, services, DEFINITIONS, root="/srv", **({"process_manager": "systemd"} | values))


def test_queues_whose_consumers_are_all_ours_get_canaries():
    assert queues("order", "payment") == [
        {"name": "shop-order-queue", "fifo": False},
        {"name": "shop-payment-queue.fifo", "fifo": True},
    ]


def test_another_programs_queue_gets_none():
    assert queues("legacy") == []


def test_each_worker_is_judged_where_it_keeps_its_notes():
    (found,) = workers("order", canary="d-1")
    assert found == {
        "name": "order-queue-worker",
        "directory": "/srv/order/data/workers",
        "processes": 1,
        "unit": "order-queue-worker.service",
        "canary": "d-1",
    }


def test_only_workers_whose_queue_gets_canaries_need_one():
    canaries = {worker["name"]: worker.get("canary") for worker in workers("payment", canary="d-1")}
    assert canaries == {
        "payment-order-queue-worker": "d-1",
        "payment-audit-queue-worker": None,
        "payment-shared-queue-worker": None,
    }


def test_several_processes_share_a_unit_pattern_or_a_log():
    assert {worker["processes"] for worker in workers("payment")} == {2}
    assert workers("payment")[0]["unit"] == "payment-order-queue-worker@*.service"
    assert workers("payment", process_manager="pm2")[0]["log_files"] == [
        "/srv/payment/logs/payment-order-queue-worker.error.log",
        "/srv/payment/logs/payment-order-queue-worker.log",
    ]


def test_a_program_of_the_teams_own_is_not_judged():
    assert workers("legacy") == []


def test_each_of_several_hosts_has_the_chance_of_a_canary_a_second():
    messages = canary_messages({"name": "q", "fifo": False}, deploy="d-1", unique_id="d-1-7")
    assert [message["delay_seconds"] for message in messages] == [0, 1, 2, 3, 4]
    assert {message["attributes"]["ecommerce.sqs.canary"] for message in messages} == {"d-1"}


def test_a_fifo_queue_gets_one_canary_in_a_group_of_its_own_and_without_a_delay():
    assert canary_messages({"name": "q.fifo", "fifo": True}, deploy="d-1", unique_id="d-1-7") == [
        {
            "body": "canary",
            "attributes": {"ecommerce.sqs.canary": "d-1"},
            "group_id": "d-1-7",
            "deduplication_id": "d-1-7",
        }
    ]
