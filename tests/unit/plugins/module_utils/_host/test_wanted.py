# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host needs for its services."""

from __future__ import annotations

import pytest

from ansible_collections.ecommerce.sqs.plugins.module_utils._host import wanted
from ansible_collections.ecommerce.sqs.plugins.module_utils._topology.expand import expand

TOPOLOGY = expand(
    {
        "prefix": "shop",
        "queues": {"order": {}, "payment": {"fifo": True}, "audit": {"dead_letter": False}},
        "services": {
            "order": {"produces": ["order"], "consumes": ["payment"]},
            "payment": {"consumes": ["order", "audit"], "produces": ["payment"]},
            "site": {"produces": ["order", "audit"]},
        },
    },
    region="ap-southeast-1",
)


@pytest.mark.parametrize(
    "services", ["payment,order", " payment , order ", "payment,,order,", ["payment", "order"], ["payment,order"]]
)
def test_services_are_chosen_by_name_with_commas_or_as_a_list(services: object) -> None:
    assert wanted.chosen_services(services, otherwise=["site"]) == ["payment", "order"]


@pytest.mark.parametrize("services", ["", None, [], " , ", [""]])
def test_without_a_name_the_others_are_chosen(services: object) -> None:
    assert wanted.chosen_services(services, otherwise=TOPOLOGY["services"]) == ["order", "payment", "site"]
    assert wanted.chosen_services(services) == []


def test_a_service_knows_its_queues_and_the_dead_letter_queues_of_its_workers() -> None:
    assert wanted.service_queues(TOPOLOGY, ["order"]) == ["payment", "order", "dlq-fifo"]
    assert wanted.service_queues(TOPOLOGY, ["site"]) == ["order", "audit"]


def test_queues_of_several_services_are_named_once() -> None:
    keys = wanted.service_queues(TOPOLOGY, ["site", "order", "payment"])
    assert sorted(keys) == ["audit", "dlq", "dlq-fifo", "order", "payment"]


def test_an_env_file_has_the_keys_of_its_definition() -> None:
    definitions = {"order": {"env": {"PORT": 1}, "secrets": {"PASSWORD": "x"}}}
    assert wanted.env_files(["order"], definitions, "/srv/") == [
        {"path": "/srv/order/.env", "present": {"PORT": 1}, "secrets": {"PASSWORD": "x"}}
    ]


def test_a_service_that_nobody_defined_has_an_env_file_without_keys() -> None:
    for definitions in ({}, {"order": None}):
        assert wanted.env_files(["order"], definitions, "/srv") == [
            {"path": "/srv/order/.env", "present": {}, "secrets": {}}
        ]


def test_unit_files_are_those_of_the_service_and_of_workers_with_one_process_or_several() -> None:
    assert wanted.unit_files(TOPOLOGY, ["order", "site"]) == [
        "order-service.service",
        "order-queue-worker.service",
        "order-queue-worker@.service",
        "site-service.service",
    ]


def test_logs_of_services_are_in_the_journal_of_their_units() -> None:
    command = wanted.service_log_command(TOPOLOGY, ["order", "site"], root="/srv", process_manager="systemd")
    assert command[0] == "journalctl"
    assert command[-2:] == ["--unit=order-service.service", "--unit=site-service.service"]


def test_logs_of_services_under_pm2_are_files_and_what_went_wrong_comes_first() -> None:
    command = wanted.service_log_command(TOPOLOGY, ["order", "site"], root="/srv", process_manager="pm2")
    assert command[0] == "tail"
    assert [word for word in command if word.startswith("/")] == [
        "/srv/order/logs/order-service.error.log",
        "/srv/site/logs/site-service.error.log",
        "/srv/order/logs/order-service.log",
        "/srv/site/logs/site-service.log",
    ]
