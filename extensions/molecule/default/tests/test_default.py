# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an operator finds on a host after site.yml: the service and its worker under PM2, each answering."""

from __future__ import annotations

import json
from typing import Any

import pytest
from testinfra.host import Host

ROOT = "/opt/ecommerce/payment"
PM2 = "sudo -u ecommerce env PM2_HOME=/opt/ecommerce/pm2 /opt/ecommerce/lib/pm2/node_modules/.bin/pm2"


def as_root(host: Host, command: str) -> str:
    return str(host.check_output(f"sudo {command}"))


def processes(host: Host) -> dict[str, dict[str, Any]]:
    listed = host.check_output(f"{PM2} jlist").splitlines()[-1]
    return {entry["name"]: entry for entry in json.loads(listed)}


def test_pm2_list_shows_the_service_and_its_worker(host: Host) -> None:
    shown = host.check_output(f"{PM2} list")
    assert "payment-service" in shown
    assert "payment-queue-worker" in shown
    for name, entry in processes(host).items():
        assert entry["pm2_env"]["status"] == "online", name
        assert entry["pm2_env"]["username"] == "ecommerce", name


def test_service_answers(host: Host) -> None:
    environment = as_root(host, f"cat {ROOT}/.env")
    listen = next(line.partition("=")[2] for line in environment.splitlines() if line.startswith("HOST="))
    script = f"import urllib.request; print(urllib.request.urlopen('http://{listen}:8002/healthz', timeout=5).status)"
    assert host.check_output(f'python3 -c "{script}"') == "200"


def test_worker_polls_its_queue_and_runs_as_the_services_user(host: Host) -> None:
    log = as_root(host, f"cat {ROOT}/logs/payment-queue-worker.error.log {ROOT}/logs/payment-queue-worker.log")
    assert "payment-queue-worker started on" in log
    assert "ecommerce-order-queue" in log


@pytest.mark.parametrize("name", [".env", "payment-queue-worker.env"])
def test_settings_are_read_by_the_services_user_alone(host: Host, name: str) -> None:
    assert as_root(host, f"stat -c '%a %U:%G' {ROOT}/{name}") == "600 ecommerce:ecommerce"


def test_code_belongs_to_root_and_data_to_the_service(host: Host) -> None:
    assert as_root(host, f"find {ROOT}/releases {ROOT}/venvs -not -user root") == ""
    assert as_root(host, f"stat -c %U {ROOT}/data {ROOT}/logs") == "ecommerce\necommerce"


def test_settings_hold_the_queues_of_the_topology(host: Host) -> None:
    keys = {line.partition("=")[0] for line in as_root(host, f"cat {ROOT}/.env").splitlines()}
    assert {"AWS_REGION", "ORDER_QUEUE_URL", "PAYMENT_QUEUE_URL", "NOTIFICATION_QUEUE_URL"} <= keys


def test_no_secret_in_process_list_journal_or_pm2s_memory(host: Host) -> None:
    settings = as_root(host, f"cat {ROOT}/.env")
    secret = next(line.partition("=")[2] for line in settings.splitlines() if line.startswith("AWS_SECRET_ACCESS_KEY="))
    assert f"AWS_SECRET_ACCESS_KEY={secret}" not in as_root(host, "ps auxewww")
    assert f"AWS_SECRET_ACCESS_KEY={secret}" not in as_root(host, "journalctl --no-pager")
    assert "AWS_SECRET_ACCESS_KEY" not in as_root(host, "cat /opt/ecommerce/pm2/dump.pm2")


def test_pm2_is_started_with_the_machine_and_knows_what_to_start(host: Host) -> None:
    unit = host.service("pm2-ecommerce")
    assert unit.is_enabled
    assert unit.is_running
    saved = json.loads(as_root(host, "cat /opt/ecommerce/pm2/dump.pm2"))
    assert {entry["name"] for entry in saved} == {"payment-service", "payment-queue-worker"}
    in_unit = as_root(host, "systemctl status pm2-ecommerce --no-pager --lines=0")
    assert "sqs-worker" in in_unit


def test_worker_is_given_the_time_of_its_longest_job_to_stop(host: Host) -> None:
    assert processes(host)["payment-queue-worker"]["pm2_env"]["kill_timeout"] == 300_000
