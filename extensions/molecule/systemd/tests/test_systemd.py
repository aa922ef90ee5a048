# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an operator finds on a host whose services are units: running, enabled, confined, and telling no secrets."""

from __future__ import annotations

import pytest
from testinfra.host import Host

ROOT = "/opt/ecommerce/payment"
WORKERS = ("payment-queue-worker@1.service", "payment-queue-worker@2.service")
UNITS = ("payment-service.service", *WORKERS)


def as_root(host: Host, command: str) -> str:
    return str(host.check_output(f"sudo {command}"))


def setting(host: Host, key: str) -> str:
    lines = as_root(host, f"cat {ROOT}/.env").splitlines()
    return next(line.partition("=")[2] for line in lines if line.startswith(f"{key}="))


@pytest.mark.parametrize("name", UNITS)
def test_unit_runs_now_and_with_the_machine_as_the_services_user(host: Host, name: str) -> None:
    unit = host.service(name)
    assert unit.is_running
    assert unit.is_enabled
    pid = as_root(host, f"systemctl show --property=MainPID --value {name}")
    assert as_root(host, f"stat -c %U /proc/{pid}") == "ecommerce"
    assert as_root(host, f"systemctl show --property=NRestarts --value {name}") == "0"


def test_service_answers(host: Host) -> None:
    address = setting(host, "HOST")
    script = f"import urllib.request; print(urllib.request.urlopen('http://{address}:8002/healthz', timeout=5).status)"
    assert host.check_output(f'python3 -c "{script}"') == "200"


@pytest.mark.parametrize("name", WORKERS)
def test_worker_has_told_systemd_that_it_polls_and_is_watched(host: Host, name: str) -> None:
    shown = as_root(host, f"systemctl show --property=Type,StatusText,WatchdogUSec {name}")
    assert "Type=notify" in shown
    assert "StatusText=polling" in shown
    assert "WatchdogUSec=1min" in shown


@pytest.mark.parametrize("name", UNITS)
def test_exposure_is_low(host: Host, name: str) -> None:
    judged = as_root(host, f"systemd-analyze security --no-pager {name} | tail -n 1")
    level = float(judged.partition(f"{name}: ")[2].split()[0])
    assert level <= 3.0, judged


@pytest.mark.parametrize("name", UNITS)
def test_no_secret_in_what_systemd_shows(host: Host, name: str) -> None:
    assert setting(host, "AWS_SECRET_ACCESS_KEY")
    assert "AWS_SECRET_ACCESS_KEY" not in as_root(host, f"systemctl show {name}")
    assert "AWS_SECRET_ACCESS_KEY" not in as_root(host, "journalctl --no-pager")
    assert "AWS_SECRET_ACCESS_KEY" not in host.check_output("ps auxewww")


def test_worker_gets_the_time_of_its_longest_job_to_stop(host: Host) -> None:
    assert as_root(host, f"systemctl show --property=TimeoutStopUSec --value {WORKERS[0]}") == "5min"
