# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds on each of six hosts, before the releases and after them."""

from __future__ import annotations

from testinfra.host import Host

ROOT = "/opt/ecommerce"


def service_of(host: Host) -> str:
    return str(host.check_output("hostname")).rpartition("-")[0]


def as_root(host: Host, command: str) -> str:
    return str(host.check_output(f"sudo {command}"))


def test_service_and_worker_run_from_the_live_release(host: Host) -> None:
    service = service_of(host)
    live = as_root(host, f"readlink -f {ROOT}/{service}/venv")
    processes = as_root(host, f"pgrep -a -u ecommerce -f {service}/venv/bin").splitlines()
    assert sum(f"storefront.{service}" in process for process in processes) == 1, processes
    assert sum("sqs-worker run" in process for process in processes) == 1, processes
    for process in processes:
        environment = as_root(host, f"cat /proc/{process.split()[0]}/maps")
        assert live in environment, process


def test_no_deploy_holds_the_host(host: Host) -> None:
    assert as_root(host, f"ls -A {ROOT}").split().count(".deploy-lock") == 0


def test_worker_polls_the_queue_of_its_service(host: Host) -> None:
    service = service_of(host)
    logs = f"cat {ROOT}/{service}/logs/*.log; journalctl --no-pager --unit {service}-queue-worker"
    assert f"{service}-queue-worker started on" in as_root(host, f"sh -c '{logs}'")
