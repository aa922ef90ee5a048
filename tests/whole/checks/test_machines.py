# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine of the Molecule scenarios ends with the run that booted it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
import yaml

from checkout import ROOT

MACHINE = ROOT / "extensions/molecule/utils/machine"
LIMIT = 900  # seconds; the first machine of a suite has its image built


@pytest.mark.skipif(os.geteuid() != 0, reason="machines need root")
def test_a_machine_ends_with_an_interrupted_run(tmp_path: Path) -> None:
    subprocess.run([ROOT / "extensions/molecule/prepare-machine"], check=True, timeout=LIMIT)
    noted = tmp_path / "machine.json"
    boots = f"{MACHINE} boot {tmp_path / 'machines'} one >{noted}.new && mv {noted}.new {noted} && sleep 600"
    checks = tmp_path / "checks.yml"
    checks.write_text(yaml.safe_dump([{"name": "boots", "command": boots}]))
    run = subprocess.Popen(
        [sys.executable, ROOT / "tests/run", "--checks", checks, "--logs", tmp_path / "logs"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + LIMIT
    while not noted.exists():
        assert run.poll() is None, run.stdout and run.stdout.read()
        assert time.monotonic() < deadline
        time.sleep(0.1)
    machine = json.loads(noted.read_text())
    with closing(socket.create_connection((machine["address"], machine["port"]), timeout=10)):
        pass
    run.send_signal(signal.SIGINT)
    printed, _unused = run.communicate(timeout=LIMIT)
    assert run.returncode == 128 + signal.SIGINT, printed
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((machine["address"], machine["port"]), timeout=10)
    assert not running(str(tmp_path))
    assert not cgroups(machine["address"]), "the machine's cgroup is left"


def running(folder: str) -> list[str]:
    """The command lines that name a folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_text()
        except OSError:
            continue
        if folder in line and path.parent.name != str(os.getpid()):
            found.append(line.replace("\0", " "))
    return found


def cgroups(address: str) -> list[Path]:
    """The cgroups of a machine, wherever this machine has the unified hierarchy."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    return [
        path for mount in mounts if mount[2] == "cgroup2" for path in Path(mount[1]).glob(f"ecommerce-sqs-{address}")
    ]
