# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs on the hosts of the scenario, asked over SSH."""

from __future__ import annotations

import json
import os
import re
import subprocess
import urllib.request
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

PORTS = {"order": 8001, "payment": 8002, "notification": 8003}
LOOK = """
cd /opt/ecommerce
echo "release $(readlink {service}/current)"
[ ! -e .deploy-lock ] || echo "locked"
for pid in $(pgrep -u ecommerce -f {service}/venv/bin); do
  echo "process $pid $(cut -d' ' -f22 /proc/$pid/stat)"
done
"""
# What systemd keeps of a worker is in the journal, what PM2 keeps in files.
HANDLED = """
(cat {root}/logs/*; journalctl --no-pager -o cat) | grep -E ' (done|failed) at (receive|try) [0-9]' || true
"""


@dataclass(frozen=True)
class Seen:
    """A host at one moment: its release, its processes with their start times, and whether a deploy holds it."""

    release: str
    processes: frozenset[tuple[str, str]]
    locked: bool


@dataclass(frozen=True)
class Host:
    """One host, with the service it runs."""

    name: str
    service: str
    address: str
    port: int
    user: str
    identity_file: str

    @property
    def http_address(self) -> str:
        """Where its service answers."""
        return f"{self.address}:{PORTS[self.service]}"

    def see(self) -> Seen:
        """Look at the host."""
        lines = [line.split() for line in self._run(LOOK.format(service=self.service)).splitlines()]
        return Seen(
            release=next(line[-1] for line in lines if line[0] == "release"),
            processes=frozenset((line[1], line[2]) for line in lines if line[0] == "process"),
            locked=["locked"] in lines,
        )

    def version(self) -> str:
        """The version that its service says it is."""
        with urllib.request.urlopen(f"http://{self.http_address}/openapi.json", timeout=10) as answer:
            document: dict[str, Any] = json.load(answer)
        return str(document["info"]["version"])

    def handled(self) -> list[tuple[str, int]]:
        """Every time its workers handled a message: the message, and how often it had been received by then."""
        logged = self._run(HANDLED.format(root=f"/opt/ecommerce/{self.service}"))
        found = re.findall(r"message (\S+) (?:done|failed) at (?:receive|try) (\d+)", logged)
        return [(message, int(count)) for message, count in found]

    def _run(self, script: str) -> str:
        known_hosts = Path(self.identity_file).with_name("known_hosts")
        command = [
            "ssh", "-p", str(self.port), "-i", self.identity_file, "-o", "BatchMode=yes", "-o", "LogLevel=ERROR",
            "-o", f"UserKnownHostsFile={known_hosts}", f"{self.user}@{self.address}", "sudo sh -s",
        ]  # fmt: skip
        done = subprocess.run(command, input=script, capture_output=True, text=True, check=False, timeout=600)
        if done.returncode:
            raise RuntimeError(f"{self.name}: {done.stderr}")
        return done.stdout


def all_hosts() -> list[Host]:
    """The hosts of the scenario, those of a service one after the other."""
    noted = yaml.safe_load(Path(os.environ["MOLECULE_INSTANCE_CONFIG"]).read_text())
    hosts = []
    for entry in noted:
        fields = {key: entry[key] for key in ("address", "port", "user", "identity_file")}
        hosts.append(Host(name=entry["instance"], service=entry["instance"].rpartition("-")[0], **fields))
    return hosts


def receives_without_handling(hosts: Iterable[Host]) -> int:
    """How many receives came to nothing: the message was not handled then, but by a later receive.

    Two hosts may well get the same message at the same moment (moto does that now and then); both handle it.
    """
    handled, received = Counter[str](), dict[str, int]()
    for host in hosts:
        for message, count in host.handled():
            handled[message] += 1
            received[message] = max(count, received.get(message, 0))
    return sum(max(0, count - handled[message]) for message, count in received.items())
