# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""An instance that set itself up consumes its queue."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import boto3
import pytest
from testinfra.host import Host

ORDER = {
    "type": "order.created",
    "order_id": "order-1",
    "customer": {"name": "Ada Example", "email": "ada@shop.example", "phone": "+6580000001"},
    "items": [{"sku": "TEA-1", "quantity": 2, "unit_price": 1450}],
    "total": 2900,
    "currency": "SGD",
    "created_at": "2026-11-25T02:00:00Z",
}


@pytest.fixture
def sqs() -> Any:
    port = (Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "aws-port").read_text()
    return boto3.client(
        "sqs",
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="ap-southeast-1",
        aws_access_key_id="embedded",
        aws_secret_access_key="embedded",  # noqa: S106 - the embedded AWS takes any
    )


def test_message_sent_to_the_queue_is_worked_on_by_the_new_instance(host: Host, sqs: Any) -> None:
    assert host.service("payment-queue-worker").is_running
    orders = sqs.get_queue_url(QueueName="ecommerce-order-queue")["QueueUrl"]
    payments = sqs.get_queue_url(QueueName="ecommerce-payment-queue.fifo")["QueueUrl"]
    sqs.send_message(QueueUrl=orders, MessageBody=json.dumps(ORDER))
    deadline = time.monotonic() + 600
    paid: list[dict[str, Any]] = []
    while not paid and time.monotonic() < deadline:
        paid = sqs.receive_message(QueueUrl=payments, WaitTimeSeconds=5).get("Messages", [])
    assert [json.loads(message["Body"])["order_id"] for message in paid] == ["order-1"]


def test_user_data_run_again_changes_nothing(host: Host) -> None:
    before = host.service("payment-queue-worker").systemd_properties["MainPID"]
    again = host.check_output(
        "sudo systemd-run --wait --pipe --collect --property=RuntimeMaxSec=300 "
        "--property=EnvironmentFile=-/etc/environment /root/user-data"
    )
    recap = [line for line in again.splitlines() if line.startswith("localhost ")]
    assert recap, again
    assert "changed=0" in recap[-1], again
    assert "failed=0" in recap[-1], again
    assert host.service("payment-queue-worker").systemd_properties["MainPID"] == before


def test_user_data_holds_no_secret(host: Host) -> None:
    user_data = host.check_output("sudo cat /root/user-data")
    assert "ansible-pull" in user_data
    assert "AWS_SECRET_ACCESS_KEY" not in user_data
