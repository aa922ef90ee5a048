# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an operator trusts PM2 with, seen on small programs kept by the module pm2: limits, logs, environment, stops."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from testinfra.host import Host

ROOT = "/opt/ecommerce/proof"
HOME = "/opt/ecommerce/pm2"
PM2 = "/opt/ecommerce/lib/pm2/node_modules/.bin/pm2"
NODE_FOLDER = "/opt/ecommerce/lib/pm2/node/bin"
PATIENCE = 600  # seconds, of something that hangs

Keep = Callable[..., None]


def as_root(host: Host, command: str) -> str:
    return str(host.check_output(f"sudo {command}"))


def pm2(host: Host, *arguments: str) -> str:
    return as_root(host, f"-u ecommerce env PM2_HOME={HOME} {PM2} {' '.join(arguments)}")


def entry(host: Host, name: str) -> dict[str, Any]:
    entries = json.loads(pm2(host, "jlist").splitlines()[-1])
    return next(dict(entry) for entry in entries if entry["name"] == name)


def await_true(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition() and time.monotonic() < deadline:
        time.sleep(1)
    assert condition()


@pytest.fixture
def keep(host: Host) -> Iterator[Keep]:
    """Has PM2 keep a program as the module pm2 does it, and forget it at the end."""
    kept: set[str] = set()

    def keep(name: str, state: str = "started", **options: Any) -> None:
        kept.add(name)
        app = {
            "name": name, "script": "node", "args": [f"{ROOT}/{name}.js"], "cwd": ROOT, "interpreter": "none",
            "out_file": f"{ROOT}/logs/{name}.log", "error_file": f"{ROOT}/logs/{name}.error.log", **options,
        }  # fmt: skip
        arguments = {
            "home": HOME, "executable": PM2, "path": [NODE_FOLDER], "user": "ecommerce", "state": state, "apps": [app],
        }  # fmt: skip
        done = host.ansible("ecommerce.sqs.pm2", json.dumps(arguments), check=False, become=True)
        assert not done.get("failed"), done

    yield keep
    for name in kept:
        keep(name, state="absent")


def environment(host: Host, name: str) -> dict[str, str]:
    """The environment of the running process, as the kernel tells it."""
    text = as_root(host, f"cat /proc/{entry(host, name)['pid']}/environ")
    return dict(line.split("=", 1) for line in text.split("\0") if "=" in line)


def test_process_that_grows_beyond_its_limit_is_restarted_once(host: Host, keep: Keep) -> None:
    keep("grower", max_memory_restart="120M")
    first = entry(host, "grower")["pid"]
    await_true(lambda: entry(host, "grower")["pm2_env"]["restart_time"] == 1)
    after = entry(host, "grower")
    assert after["pid"] != first
    assert after["pm2_env"]["status"] == "online"
    assert "exceeds --max-memory-restart" in as_root(host, f"cat {HOME}/pm2.log")


def test_changed_environment_arrives_and_what_was_removed_is_gone(host: Host, keep: Keep) -> None:
    keep("ticker", environment={"GREETING": "hello", "LEGACY": "yes"}, kill_timeout=10000)
    assert environment(host, "ticker")["LEGACY"] == "yes"
    keep("ticker", environment={"GREETING": "good day"}, kill_timeout=10000)
    found = environment(host, "ticker")
    assert found["GREETING"] == "good day"
    assert "LEGACY" not in found


def test_process_finds_programs_of_pm2s_folder_first(host: Host, keep: Keep) -> None:
    keep("ticker")
    found = environment(host, "ticker")
    assert found["PATH"].split(":")[0] == NODE_FOLDER
    assert found["USER"] == "ecommerce"
    assert as_root(host, f"stat -c %U /proc/{entry(host, 'ticker')['pid']}") == "ecommerce"


@pytest.mark.parametrize("command", ["restart", "stop"])
def test_job_in_hand_is_finished_within_kill_timeout(host: Host, keep: Keep, command: str) -> None:
    keep("ticker", kill_timeout=10000)
    pid = entry(host, "ticker")["pid"]
    pm2(host, command, "ticker")
    assert str(pid) in as_root(host, f"cat {ROOT}/logs/finished").split()


def test_rotated_logs_lose_no_line_and_are_bounded_and_compressed(host: Host, keep: Keep) -> None:
    keep("ticker")
    log = f"{ROOT}/logs/ticker.log"
    as_root(host, f"sh -c ': > {log}'")
    for _rotation in range(3):
        as_root(host, "logrotate --force /etc/logrotate.d/pm2-ecommerce")
        time.sleep(1)
    listed = as_root(host, f"sh -c 'zcat -f {log}.3.gz {log}.2.gz {log}.1 {log}'").splitlines()
    numbers = [int(line.split()[1]) for line in listed if line.startswith("tick")]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert as_root(host, f"stat -c '%a %U' {log}") == "600 ecommerce"
    assert int(as_root(host, f"stat -c %s {log}")) > 0, "what is printed after a rotation"
    for _rotation in range(14):
        as_root(host, "logrotate --force /etc/logrotate.d/pm2-ecommerce")
        time.sleep(0.3)
    old = as_root(host, f"sh -c 'ls {log}.*'").split()
    assert len(old) == 14
    assert sum(name.endswith(".gz") for name in old) == 13


def test_logs_of_the_services_are_rotated_with_the_machine(host: Host) -> None:
    assert host.service("logrotate.timer").is_enabled
    planned = as_root(host, "logrotate --debug /etc/logrotate.d/pm2-ecommerce 2>&1")
    assert "/opt/ecommerce/payment/logs/payment-queue-worker.log" in planned
    assert f"{HOME}/pm2.log" in planned
