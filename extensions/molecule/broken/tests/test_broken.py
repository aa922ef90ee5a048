# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fault is told in one message with its way out and leaves what runs alone; once it is mended, the next run finishes.

payment-1 keeps its processes under PM2 and has a disk of its own for them, payment-2 under systemd.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from testinfra.host import Host
from testinfra.utils.ansible_runner import AnsibleRunner

PROJECT = Path(os.environ["MOLECULE_PROJECT_DIRECTORY"])
DIRECTORY = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"])
INVENTORY = os.environ["MOLECULE_INVENTORY_FILE"]
MACHINE = PROJECT / "extensions/molecule/utils/machine"
HOSTS = ("payment-1", "payment-2")
ROOT = "/opt/ecommerce/payment"
CLOSED = "http://127.0.0.1:9"  # the port "discard", where nobody listens
PLAIN = {"ANSIBLE_FORCE_COLOR": "0", "ANSIBLE_NOCOLOR": "1", "PY_COLORS": "0"}
# What may not be touched by a run that fails: settings, what is live, what runs, and nothing beside them.
LOOK = f"""
cd {ROOT} && readlink current; sha256sum .env payment-queue-worker.env; ls -A .; ls -A releases | grep '^[.]'
ls -A {ROOT}/venvs; find /opt/ecommerce -maxdepth 1 -name '.*'; pgrep --full '[v]env/bin' | sort
"""


@dataclass(frozen=True)
class Run:
    """A playbook that ran to its end."""

    code: int
    printed: str

    def told(self, host: str) -> str:
        """The last message with which a host failed; a host that did not fail is an error."""
        failed = rf"^(?:fatal|failed): \[{host}[^\]]*\](?:: \w+!| \(.*\)) => (\{{.*\}})$"
        failures = re.findall(failed, self.printed, re.MULTILINE)
        assert failures, self.printed
        message = json.loads(failures[-1])["msg"]
        assert "Traceback" not in self.printed
        return str(message)

    def counts(self, host: str) -> dict[str, int]:
        """What Ansible's recap says of a host."""
        (line,) = re.findall(rf"^{host}\s+: (.*)$", self.printed, re.MULTILINE)
        return {word: int(count) for word, count in re.findall(r"(\w+)=(\d+)", line)}


def begin(playbook: str, variables: dict[str, Any], *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        ["ansible-playbook", f"playbooks/{playbook}", "-i", INVENTORY, "-e", json.dumps(variables), *options],
        cwd=PROJECT, env={**os.environ, **PLAIN}, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def play(playbook: str, variables: dict[str, Any], *options: str) -> Run:
    process = begin(playbook, variables, *options)
    try:
        printed, _unused = process.communicate(timeout=1800)
    finally:
        process.kill()
    return Run(process.returncode, printed)


def connect(name: str) -> Host:
    return AnsibleRunner(INVENTORY).get_host(name)


def as_root(name: str, script: str) -> str:
    return str(connect(name).check_output("sudo sh -c %s", script))


def look(name: str) -> str:
    """Settings, live release, processes and files of a host, as one text to compare."""
    return str(connect(name).run("sudo sh -c %s", LOOK).stdout)


def processes(seen: str) -> list[str]:
    """The process IDs in what ``look`` returned."""
    return [line for line in seen.splitlines() if line.isdigit()]


@contextmanager
def broken(name: str, fault: str, mend: str) -> Iterator[None]:
    """Break a host, and mend it again whatever happens."""
    as_root(name, fault)
    try:
        yield
    finally:
        as_root(name, mend)


class Shop:
    """What the hosts should be, which one test after the other changes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.variables: dict[str, Any] = {"scenario_source": str(folder)}
        shutil.copytree(
            PROJECT / "examples/storefront", folder, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info", ".venv")
        )

    def want_requirements(self) -> None:
        """Ask for a release whose requirements nobody has installed."""
        with (self.folder / "requirements.txt").open("a", encoding="utf-8") as stream:
            stream.write(f"# {uuid4().hex}\n")

    def want_setting(self) -> str:
        """Ask for a line of .env that nobody has seen, and return it."""
        self.variables["scenario_env"] = {"GREETING": uuid4().hex}
        return f"GREETING={self.variables['scenario_env']['GREETING']}"

    def play(self, playbook: str, *options: str, **variables: Any) -> Run:
        return play(playbook, {**self.variables, **variables}, *options)

    def assert_finishes(self) -> None:
        """The next run does what is left on both hosts."""
        done = self.play("hosts.yml")
        assert done.code == 0, done.printed
        assert len({as_root(host, f"readlink {ROOT}/current") for host in HOSTS}) == 1


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Hosts with nothing wrong, whatever an earlier verification left."""
    shop = Shop(tmp_path_factory.mktemp("sources") / "storefront")
    for playbook in ("queues.yml", "hosts.yml"):
        healthy = shop.play(playbook)
        assert healthy.code == 0, healthy.printed
    return shop


def test_full_disk_and_no_venv(shop: Shop) -> None:
    shop.want_requirements()
    before = {host: look(host) for host in HOSTS}
    as_root("payment-2", "dpkg --purge --force-depends python3.11-venv python3-venv")
    room = int(as_root("payment-1", "df --output=avail --block-size=1 /opt/ecommerce").split()[-1])
    fill = f"fallocate --length {room - 3_000_000} /opt/ecommerce/ballast"
    with broken("payment-1", fill, "rm /opt/ecommerce/ballast"):
        preflight = shop.play("preflight.yml", "--limit", "localhost,payment-1")
        assert re.fullmatch(
            r"/opt/ecommerce has [0-3] MB free, and 500 MB are needed: make room or set another deploy_root",
            preflight.told("payment-1"),
        )
        failed = shop.play("hosts.yml", account_packages=[])
        assert re.fullmatch(
            rf"the disk is full: {ROOT}/venvs had \d+ MB free, and \w+ needs more: make room and run again",
            failed.told("payment-1"),
        )
        assert failed.told("payment-2").endswith("install the package python3-venv and run again")
    assert {host: look(host) for host in HOSTS} == before
    # By default the package is installed first, and the lists of packages are fetched for it.
    shop.assert_finishes()


def test_no_node_and_settings_that_cannot_be_written(shop: Shop) -> None:
    setting = shop.want_setting()
    before = {host: look(host) for host in HOSTS}
    away = "mv /usr/bin/node /usr/bin/node.away", "mv /usr/bin/node.away /usr/bin/node"
    mount = f"mount --bind {ROOT}/.env {ROOT}/.env && mount -o remount,bind,ro {ROOT}/.env"
    read_only = (
        f"{ROOT}/.env cannot be read or written: it is a mount of its own; unmount it (findmnt shows it) and run again"
    )
    with broken("payment-1", *away), broken("payment-2", mount, f"umount {ROOT}/.env"):
        preflight = shop.play("preflight.yml")
        assert "pm2 finds no node: install Node.js, or put the folder of node into path" in preflight.told("payment-1")
        assert preflight.told("payment-2") == read_only
        failed = shop.play("hosts.yml", account_packages=[])
        assert "install Node.js, or put the folder of node into path" in failed.told("payment-1")
        assert failed.told("payment-2") == read_only
    # Where .env can be written it is, and what runs goes on with what it has read.
    assert processes(look("payment-1")) == processes(before["payment-1"])
    assert look("payment-2") == before["payment-2"]
    shop.assert_finishes()
    assert all(setting in as_root(host, f"cat {ROOT}/.env") for host in HOSTS)


def test_wrong_owners(shop: Shop) -> None:
    before = {host: look(host) for host in HOSTS}
    as_root("payment-2", f"chown root:root {ROOT}/.env {ROOT}/data && chmod 644 {ROOT}/.env")
    with broken("payment-1", "chown root /opt/ecommerce/pm2", "chown ecommerce /opt/ecommerce/pm2"):
        run = shop.play("hosts.yml")
    assert run.told("payment-1") == (
        "home: /opt/ecommerce/pm2 belongs to root, and ecommerce is asked for: name the owner in user, or PM2 starts a "
        "second daemon there"
    )
    assert run.counts("payment-2")["failed"] == 0
    assert run.counts("payment-2")["changed"] == 2
    assert as_root("payment-2", f"stat -c '%U %a' {ROOT}/.env {ROOT}/data") == "ecommerce 600\necommerce 750"
    assert {host: look(host) for host in HOSTS} == before
    shop.assert_finishes()


def test_worker_that_ends_at_once(shop: Shop) -> None:
    failed = shop.play("hosts.yml", scenario_handler="python:storefront.payment.worker:nothing")
    assert "payment-queue-worker does not stay up: 1 s after its start" in failed.told("payment-1")
    assert "payment-queue-worker" in failed.told("payment-2").splitlines()[0]
    for host in HOSTS:
        assert "nothing" in failed.told(host), failed.told(host)
    shop.assert_finishes()


def test_endpoint_that_does_not_answer(shop: Shop) -> None:
    before = {host: look(host) for host in HOSTS}
    environment = {"AWS_ENDPOINT_URL": CLOSED, "AWS_REGION": "ap-southeast-1"}
    keys = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
    failed = shop.play("hosts.yml", sqs_aws_environment={**environment, **keys})
    assert failed.code != 0
    assert CLOSED in failed.told("payment-1")
    assert {host: look(host) for host in HOSTS} == before


def run_until(run: subprocess.Popen[str], task: str) -> str:
    """Wait until a run begins a task, and return what it printed so far."""
    seen = ""
    for line in run.stdout or ():
        seen += line
        if line.startswith("TASK [") and task in line:
            break
    return seen


def test_host_that_goes_away_is_named_and_the_other_is_finished(shop: Shop) -> None:
    setting = shop.want_setting()
    run = begin("hosts.yml", shop.variables)
    seen = run_until(run, "Install the release")
    subprocess.run([MACHINE, "cut", DIRECTORY, "payment-2"], check=True, timeout=1800)
    try:
        failed = Run(run.wait(timeout=1800), seen + (run.stdout.read() if run.stdout else ""))
        assert failed.counts("payment-2")["unreachable"] == 1
        assert failed.counts("payment-1")["failed"] == 0
        assert setting in as_root("payment-1", f"cat {ROOT}/.env")
        before = look("payment-1")
        deploy = shop.play("deploy.yml")
        assert deploy.told("payment-1") == (
            "Nothing was changed, because not every host is ready. payment-2: it cannot be reached"
        )
        assert look("payment-1") == before
    finally:
        subprocess.run([MACHINE, "start", DIRECTORY, "payment-2"], check=True, timeout=1800)
    shop.assert_finishes()


def sshd_of(name: str) -> list[int]:
    """Process IDs of a machine's SSH servers, as this machine counts them."""
    found, waiting = [], [int((DIRECTORY / name / "pid").read_text().split()[0])]
    while waiting:
        pid = waiting.pop()
        waiting += [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        if Path(f"/proc/{pid}/comm").read_text().startswith("sshd"):
            found.append(pid)
    return found


@contextmanager
def silent(name: str) -> Iterator[None]:
    """The SSH servers of a host answer no more; where nobody gives up, Ansible waits for two hours."""
    servers = sshd_of(name)
    for pid in servers:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in servers:
            os.kill(pid, signal.SIGCONT)


def test_host_that_falls_silent_does_not_hold_the_run_up(shop: Shop) -> None:
    run = begin("hosts.yml", shop.variables)
    seen = run_until(run, "Install the release")
    with silent("payment-2"):
        failed = Run(run.wait(timeout=1800), seen + (run.stdout.read() if run.stdout else ""))
    assert failed.counts("payment-2")["unreachable"] == 1
    assert failed.counts("payment-1")["failed"] == 0
    shop.assert_finishes()


def test_canary_that_falls_silent_ends_the_deploy(shop: Shop) -> None:
    shop.want_setting()
    before = look("payment-2")
    run = begin("deploy.yml", shop.variables)
    seen = run_until(run, "Make the release live")
    with silent("payment-1"):
        failed = Run(run.wait(timeout=1800), seen + (run.stdout.read() if run.stdout else ""))
    assert failed.code != 0
    assert failed.counts("payment-1")["unreachable"] == 1
    # Where no host is left in a play, Ansible ends without a word to the others.
    assert look("payment-2").replace("/opt/ecommerce/.deploy-lock\n", "") == before
    refused = shop.play("deploy.yml")
    assert "deploy_break_lock" in refused.printed
    again = shop.play("deploy.yml", deploy_break_lock=True)
    assert again.code == 0, again.printed


def test_nothing_is_left_to_do_after_all_of_it(shop: Shop) -> None:
    again = shop.play("hosts.yml")
    assert [again.counts(host)["changed"] for host in HOSTS] == [0, 0], again.printed
