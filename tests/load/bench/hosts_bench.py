# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a repeated ``site.yml`` costs on six hosts over SSH: tasks, module starts and SSH round trips by role, and time.

usage: python tests/load/bench/hosts_bench.py [--rounds 3]

Boots six systemd machines as the Molecule scenarios do, two of each service, with an AWS of its own on a free port.
The first ``site.yml`` sets them up, the following ones are measured and have to change nothing. The peer is a play of
as many ``ping`` tasks on these hosts as ``site.yml`` runs there: what Ansible and SSH cost when modules do nothing.
Prints tables, then one line a figure, ``bench NAME VALUE``. Needs root, and what extensions/molecule/prepare-machine
installs.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from checkout import ROOT

MACHINE = ROOT / "extensions/molecule/utils/machine"
LOCAL = ROOT / "inventories/local/group_vars/all"
PROD = ROOT / "inventories/prod/group_vars/all"
SERVICES = ("order", "payment", "notification")
HOSTS = tuple(f"{service}-{number}" for service in SERVICES for number in (1, 2))
# Stands in for ssh and sftp: notes when each was called, then becomes it.
COUNTED = """#!/bin/bash
printf '%s {program}\\n' "$EPOCHREALTIME" >>"$SSH_LOG"
exec {path} "$@"
"""


@dataclass
class Cost:
    """What one part of a run cost, over all hosts."""

    begun: int = 0  # tasks that Ansible began
    run: int = 0  # tasks on hosts of services, one count a host, those included that only decide something
    skipped: int = 0
    trips: int = 0  # calls of ssh and sftp
    seconds: float = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))


@dataclass
class Measured:
    """One run of a playbook."""

    seconds: float
    controller_cpu: float
    parts: dict[str, Cost] = field(default_factory=dict)
    changed: int = 0

    @property
    def total(self) -> Cost:
        return sum(self.parts.values(), Cost())


class Bench:
    """Six hosts and their inventory, in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.inventory = folder / "inventory"

    @contextmanager
    def hosts(self) -> Iterator[Bench]:
        """Six machines that run, and their inventory; they end with the block."""
        try:
            found = {}
            for name in HOSTS:
                booted = subprocess.run(
                    [MACHINE, "boot", self.folder / "machines", name], capture_output=True, text=True, check=False
                )
                if booted.returncode:
                    sys.exit(booted.stderr)
                found[name] = json.loads(booted.stdout)
            self._describe(found)
            yield self
        finally:
            for name in HOSTS:
                subprocess.run([MACHINE, "stop", self.folder / "machines", name], check=False)

    def _describe(self, machines: dict[str, dict[str, Any]]) -> None:
        hosts = {
            name: {"ansible_host": reached["address"], "ansible_port": reached["port"], "ansible_user": reached["user"]}
            for name, reached in machines.items()
        }
        key = next(iter(machines.values()))["identity_file"]
        known = self.folder / "machines" / "known_hosts"
        common = {
            "ansible_ssh_private_key_file": key,
            "ansible_ssh_common_args": f"-o UserKnownHostsFile={known}",
            "ansible_ssh_executable": str(self._counted("ssh")),
            "ansible_sftp_executable": str(self._counted("sftp")),
        }
        controller = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
        groups = {
            service: {"hosts": {name: host for name, host in hosts.items() if name.startswith(service)}}
            for service in SERVICES
        }
        self.inventory.mkdir(exist_ok=True)
        (self.inventory / "hosts.json").write_text(
            json.dumps(
                {
                    "ungrouped": {"hosts": {"localhost": controller}},
                    "service_hosts": {"children": groups, "vars": common},
                }
            )
        )
        variables = self.inventory / "group_vars"
        variables.mkdir(exist_ok=True)
        (variables / "all.json").write_text(json.dumps(self._variables()))

    def _variables(self) -> dict[str, Any]:
        """The variables of inventories/local, with hosts as those of inventories/prod."""
        local = {
            key: value
            for name in ("topology", "storefront", "instances", "local")
            for key, value in yaml.safe_load((LOCAL / f"{name}.yml").read_text()).items()
        }
        aws, smtp = (
            subprocess.run([MACHINE, "port"], capture_output=True, text=True, check=True).stdout.strip()
            for _unused in "ab"
        )
        common = {**local["storefront_common"], "env": "{{ {'HOST': ansible_host} | combine(sqs_aws_environment) }}"}
        return {
            **local,
            "local_directory": str(self.folder / "local"),
            "storefront_directory": str(ROOT / "examples/storefront"),
            "storefront_common": common,
            "embedded_aws_port": int(aws),
            "smtp_sink_port": int(smtp),
            **yaml.safe_load((PROD / "hosts.yml").read_text()),
            "deploy_root": "/opt/ecommerce",
        }

    def _counted(self, program: str) -> Path:
        script = self.folder / program
        script.write_text(COUNTED.format(program=program, path=shutil.which(program)))
        script.chmod(0o755)
        return script

    def play(self, playbook: Path, *options: str) -> Measured:
        """Run a playbook to its end; it must succeed."""
        logs = {name: self.folder / f"{name}.log" for name in ("TASK_LOG", "SSH_LOG")}
        for log in logs.values():
            log.write_text("")
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "ANSIBLE_"))},
            **{name: str(log) for name, log in logs.items()},
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "tests/load/bench/hosts/callback_plugins"),
            "ANSIBLE_CALLBACKS_ENABLED": "task_log",
        }
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        done = subprocess.run(
            ["ansible-playbook", playbook, "-i", self.inventory, *options],
            cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=1800,
        )  # fmt: skip
        seconds, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode:
            sys.exit(f"{playbook} failed:\n{done.stdout[-4000:]}{done.stderr[-2000:]}")
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        measured = Measured(seconds=seconds, controller_cpu=cpu)
        attribute(measured, logs["TASK_LOG"].read_text(), logs["SSH_LOG"].read_text())
        return measured

    def pings(self, count: int) -> Path:
        """A play of ``count`` ping tasks on every host."""
        tasks = [{"name": f"Ping {number}", "ansible.builtin.ping": {}} for number in range(count)]
        play = {"name": "Pings", "hosts": "service_hosts", "gather_facts": False, "become": True, "tasks": tasks}
        playbook = self.folder / "pings.yml"
        playbook.write_text(yaml.safe_dump([play]))
        return playbook


def attribute(measured: Measured, task_log: str, ssh_log: str) -> None:
    """Sum up what happened by role, or by play outside roles; one task runs at a time, on all hosts."""
    parts: dict[str, Cost] = defaultdict(Cost)
    timeline: list[tuple[float, str]] = []
    for line in task_log.splitlines():
        note = json.loads(line)
        if note["event"] == "task":
            if timeline:
                parts[timeline[-1][1]].seconds += note["at"] - timeline[-1][0]
            timeline.append((note["at"], note["role"].removeprefix("ecommerce.sqs.") or note["play"]))
            parts[timeline[-1][1]].begun += 1
        else:
            measured.changed += bool(note.get("changed"))
            if note["host"] != "localhost":
                parts[timeline[-1][1]].run += note["event"] == "ok"
                parts[timeline[-1][1]].skipped += note["event"] == "skipped"
    for line in ssh_log.splitlines():
        at = float(line.split()[0])
        part = next((name for began, name in reversed(timeline) if began <= at), timeline[0][1])
        parts[part].trips += 1
    del parts["end"]
    measured.parts = dict(parts)


def report(title: str, run: Measured) -> None:
    """Print a table of one run, a row for each role, or play outside roles."""
    print(f"\n{title}, figures of one host:\n")
    print(f"| {'part':28} | tasks begun | run | skipped | SSH trips | seconds |")
    print(f"| {'---':28} | ---: | ---: | ---: | ---: | ---: |")
    for name, cost in [*run.parts.items(), ("total", run.total)]:
        run_there, skipped, trips = (round(count / len(HOSTS), 1) for count in (cost.run, cost.skipped, cost.trips))
        print(f"| {name:28} | {cost.begun} | {run_there} | {skipped} | {trips} | {cost.seconds:.1f} |")
    print(
        f"\n{run.seconds:.1f} s, {run.controller_cpu:.1f} s of CPU on the controller, {run.changed} changes", flush=True
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    site, down = ROOT / "site.yml", ROOT / "playbooks/down.yml"
    with tempfile.TemporaryDirectory(prefix="hosts-bench-") as folder, Bench(Path(folder)).hosts() as bench:
        try:
            report("A first site.yml", bench.play(site))
            repeated = [bench.play(site) for _unused in range(rounds)]
            if any(run.changed for run in repeated):
                sys.exit(f"a repeated site.yml made {[run.changed for run in repeated]} changes, and should make none")
            typical = sorted(repeated, key=lambda run: run.seconds)[rounds // 2]
            report("A repeated site.yml", typical)
            pings = bench.pings(round(typical.total.run / len(HOSTS)))
            peer = sorted(bench.play(pings).seconds for _unused in range(rounds))[rounds // 2]
        finally:
            bench.play(down, "--limit", "localhost")
    print(f"\nAs many pings: {peer:.1f} s\n")
    print(f"bench hosts-repeat-tasks-a-host {typical.total.run / len(HOSTS):.1f}")
    print(f"bench hosts-repeat-ssh-trips-a-host {typical.total.trips / len(HOSTS):.1f}")
    print(f"bench hosts-repeat-vs-pings {peer / typical.seconds:.2f}")


if __name__ == "__main__":
    main()
