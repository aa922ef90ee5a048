# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a newcomer types, in the order in which they type it."""

from __future__ import annotations

import os
import re
import socket
import subprocess
from pathlib import Path

import pytest

from checkout import ROOT

PORTS = (5566, 8001, 8002, 8003, 8025)
HOSTS = ("localhost", "order-1", "payment-1", "notification-1")


def make(target: str) -> subprocess.CompletedProcess[str]:
    """Run make as from a shell of the user's own, in no virtual environment."""
    environment = {key: value for key, value in os.environ.items() if key not in ("VIRTUAL_ENV", "PYTHONPATH")}
    environment["ANSIBLE_NOCOLOR"] = "1"
    done = subprocess.run(
        ["make", "--no-print-directory", target],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=3600,
        check=False,
    )
    print(done.stdout, done.stderr)
    return done


def listening(port: int) -> bool:
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", port)) == 0


def recap(output: str) -> dict[str, dict[str, int]]:
    """The counts of Ansible's recap: {"order-1": {"ok": 18, "changed": 0, ...}, ...}."""
    return {
        host: {word: int(count) for word, count in re.findall(r"(\w+)=(\d+)", counts)}
        for host, counts in re.findall(r"^(\S+)\s+: (ok=.*)$", output, re.MULTILINE)
    }


def processes_of_the_demo() -> list[str]:
    """Command lines of the processes that work below .demo."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            inside = str((process / "cwd").readlink()).startswith(str(ROOT / ".demo"))
        except OSError:
            continue
        if inside or str(ROOT / ".demo") in command:
            found.append(command)
    return found


@pytest.fixture(scope="module", autouse=True)
def ended_demo():
    """Begin and end without a demo, whatever happens between."""
    assert make("down").returncode == 0
    assert not [port for port in PORTS if listening(port)], "a port of the demo is taken by another program"
    yield
    make("down")


def test_orders_become_payments_and_mails():
    demo = make("demo")
    assert demo.returncode == 0
    assert demo.stdout.splitlines()[-1] == "demo: 50 orders placed, 50 paid, 50 mailed, 0 lost"


def test_a_second_demo_changes_nothing_and_still_works():
    demo = make("demo")
    assert demo.returncode == 0
    assert {host: counts["changed"] for host, counts in recap(demo.stdout).items()} == dict.fromkeys(HOSTS, 0)
    assert demo.stdout.splitlines()[-1] == "demo: 50 orders placed, 50 paid, 50 mailed, 0 lost"


def test_down_leaves_no_process_and_no_port():
    assert make("down").returncode == 0
    assert processes_of_the_demo() == []
    assert [port for port in PORTS if listening(port)] == []
