# SPDX-License-Identifier: GPL-3.0-or-later
"""playbooks/verify.yml against running services: what holds is told, what does not is found, nothing is left behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from storefront_processes import Shop
from storefront_support import REGION, Aws

from checkout import ROOT

pytestmark = pytest.mark.slow


def verify(shop: Shop, aws: Aws, *arguments: str, timeout: int = 60) -> subprocess.CompletedProcess[str]:
    """Run the playbook against a shop, with the local inventory's topology under the test's prefix."""
    service = {"order": {"visibility_timeout": 300}, "notification": {"visibility_timeout": 60}}
    variables = {
        "sqs_topology": {
            "prefix": aws.prefix,
            "queues": {**service, "payment": {"visibility_timeout": 300, "fifo": True}},
            "services": {
                "order": {"produces": ["order"], "consumes": ["payment"]},
                "payment": {"consumes": ["order"], "produces": ["payment", "notification"]},
                "notification": {"consumes": ["notification"], "sends_sms": True},
            },
        },
        "sqs_aws_environment": {
            "AWS_ENDPOINT_URL": aws.endpoint,
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
        },
        "verify_timeout": timeout,
        **{f"verify_{name}_url": shop.url(name) for name in ("order", "payment", "notification")},
    }
    return subprocess.run(
        [
            Path(sys.executable).with_name("ansible-playbook"),
            "playbooks/verify.yml",
            "-i",
            "inventories/local",
            "-e",
            json.dumps(variables),
            *arguments,
        ],
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_FORCE_COLOR": "0"},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )


def test_all_scenarios_hold_and_nothing_is_left_behind(aws: Aws, tmp_path: Path) -> None:
    with Shop(aws, tmp_path) as shop:
        shop.everything()
        result = verify(shop, aws)
    assert result.returncode == 0, result.stdout
    for scenario in ("order", "payment", "notification", "dlq", "integration"):
        assert f"{scenario:<13} ok" in result.stdout
    assert "an order that came 3 times was paid once" in result.stdout
    assert "the poison message after 3 tries" in result.stdout
    assert {queue: aws.receive(queue) for queue in ("order", "payment", "notification", "dlq", "dlq-fifo")} == {
        "order": [],
        "payment": [],
        "notification": [],
        "dlq": [],
        "dlq-fifo": [],
    }


def test_one_scenario_runs_by_its_tag(aws: Aws, tmp_path: Path) -> None:
    with Shop(aws, tmp_path) as shop:
        shop.everything()
        result = verify(shop, aws, "--tags", "notification")
    assert result.returncode == 0, result.stdout
    assert "notification  ok" in result.stdout
    assert "payment       " not in result.stdout


def test_what_failed_where_is_told_and_the_rest_still_runs(aws: Aws, tmp_path: Path) -> None:
    with Shop(aws, tmp_path) as shop:
        for service in ("order", "payment"):
            shop.service(service)
        shop.worker("order", consumes="payment")
        shop.worker("payment", consumes="order")
        result = verify(shop, aws, "--tags", "order,notification", timeout=20)
    assert result.returncode != 0
    assert "order         ok" in result.stdout
    assert "notification  FAILED The service is healthy: " in result.stdout
    assert "1 of 2 scenarios failed, notification" in result.stdout
    assert "Traceback" not in result.stdout + result.stderr


def test_check_mode_sends_nothing(aws: Aws, tmp_path: Path) -> None:
    with Shop(aws, tmp_path) as shop:
        result = verify(shop, aws, "--check")
    assert result.returncode == 0, result.stdout
    assert aws.receive("notification") == []
