# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run of site.yml or of a deploy that is killed at any moment is finished by the next, and leaves nothing behind.

KILLED_RUNS=30 pytest -s tests/whole/hosts/test_killed_runs.py kills more often than the few times of every test run and
prints what was hit; KILLED_SEED chooses other moments.
"""

from __future__ import annotations

import fcntl
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import boto3
import pytest

from checkout import ROOT

KILLS = int(os.environ.get("KILLED_RUNS", "2"))
DEPLOY_KILLS = max(1, KILLS // 6)
SEED = int(os.environ.get("KILLED_SEED", "20261125"))
BARE_EVERY = 10  # runs; the others are on top of a finished one
SERVICES = ("notification", "order", "payment")
REGION = "ap-southeast-1"
ID = "[0-9a-f]{12}"
# Everything that may be there once a run has ended, relative to the folder of the inventory.
KNOWN = re.compile(
    r"aws/embedded-aws\.(json|log)|smtp/smtp-sink\.(json|log)|smtp/mails/.*|artifacts/[a-z-]+\.(env|txt)"
    r"|(?P<service>[a-z]+)-1/(lib/pm2/.*|pm2/.*|\.deploy-lock|deploys\.log"
    r"|(?P=service)/(\.env|\.lock|(?P=service)-queue-worker\.env|(app|sqs_worker|venv|current|previous)"
    rf"|(data|logs)/.*|(releases|venvs)/{ID}/.*))"
)


class Shop:
    """The inventory of this machine in a folder and on ports of its own, with a copy of the storefront to change."""

    def __init__(self, folder: Path) -> None:
        self.sources = folder / "storefront"
        self.state = folder / "state"
        self.temporary = folder / "ansible"
        self.output = folder / "output"
        shutil.copytree(
            ROOT / "examples" / "storefront", self.sources, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info")
        )
        ports = _free_ports(5)
        self.aws = f"http://127.0.0.1:{ports[0]}"
        self.variables: dict[str, Any] = {
            "local_directory": str(self.state),
            "storefront_directory": str(self.sources),
            "embedded_aws_port": ports[0],
            "smtp_sink_port": ports[1],
            "storefront_order_port": ports[2],
            "storefront_payment_port": ports[3],
            "storefront_notification_port": ports[4],
        }

    def want(self, number: int) -> None:
        """Ask for another topology, another setting, and every third time another release."""
        queues = {
            "order": {"visibility_timeout": 300 + number},
            "payment": {"visibility_timeout": 300, "fifo": True},
            "notification": {"visibility_timeout": 60},
            **({"refund": {"external_consumer": True}} if number % 2 else {}),
        }
        produced = ["payment", "notification", *(["refund"] if number % 2 else [])]
        self.variables["sqs_topology"] = {
            "prefix": "ecommerce",
            "queues": queues,
            "services": {
                "order": {"produces": ["order"], "consumes": ["payment"]},
                "payment": {"consumes": ["order"], "produces": produced},
                "notification": {"consumes": ["notification"], "sends_sms": True},
            },
        }
        self.variables["storefront_mail_from"] = f"shop-{number}@storefront.example"
        if number % 3 == 0:
            self.change_release(number)

    def change_release(self, number: int) -> None:
        (self.sources / "RELEASE").write_text(f"{number}\n", encoding="utf-8")

    def begin(self, playbook: str, *options: str) -> subprocess.Popen[bytes]:
        """Start a run in a session of its own; what it prints is in ``output``."""
        variables = self.state.with_name("variables.json")
        variables.write_text(json.dumps(self.variables), encoding="utf-8")
        temporary = {"ANSIBLE_LOCAL_TEMP": str(self.temporary), "ANSIBLE_REMOTE_TEMP": str(self.temporary)}
        with self.output.open("wb") as output:
            return subprocess.Popen(
                ["ansible-playbook", playbook, "-i", "inventories/local", "-e", f"@{variables}", *options],
                cwd=ROOT, env={**os.environ, **temporary, "ANSIBLE_NOCOLOR": "1"}, start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            )  # fmt: skip

    def run(self, playbook: str, *options: str) -> tuple[int, str]:
        """Run to the end and return the exit code and what was printed."""
        process = self.begin(playbook, *options)
        try:
            code = process.wait(timeout=3600)
        finally:
            process.kill()
        return code, self.printed

    @property
    def printed(self) -> str:
        return self.output.read_text(encoding="utf-8", errors="replace")

    def settings(self) -> dict[str, str]:
        """Every file that a run writes and something else reads, by its path."""
        found = [*self.state.glob("*-1/*/*.env"), *self.state.glob("*-1/*/.env"), *self.state.glob("artifacts/*")]
        return {str(path): path.read_text(encoding="utf-8") for path in found if not path.name.startswith("..")}


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _unused in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


@pytest.fixture(scope="module")
def moments() -> random.Random:
    return random.Random(SEED)


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    """A shop in a folder with a path short enough for PM2's socket; nothing of it runs at the end."""
    with tempfile.TemporaryDirectory(prefix="killed-", dir="/tmp") as name:
        shop = Shop(Path(name))
        try:
            yield shop
        finally:
            end(shop)


def end(shop: Shop) -> None:
    """Stop everything and forget it."""
    if shop.state.exists():
        code, printed = shop.run("playbooks/down.yml")
        assert code == 0, printed
    assert processes(shop) == []
    shutil.rmtree(shop.state, ignore_errors=True)


def kill(run: subprocess.Popen[bytes], moment: float, *, whole: bool) -> bool:
    """End a run after ``moment`` seconds, ``whole`` or only its first process, and return False when it had ended.

    Ansible's workers are sessions of their own, with the modules they run. What a module leaves running has another
    session again, and is no part of the run.
    """
    try:
        run.wait(timeout=moment)
    except subprocess.TimeoutExpired:
        os.kill(run.pid, signal.SIGSTOP)
        everything = _processes()
        sessions = {run.pid, *(pid for pid, (parent, _session) in everything.items() if parent == run.pid)}
        doomed = [pid for pid, (_parent, session) in everything.items() if session in sessions] if whole else []
        for pid in {run.pid, *doomed}:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        run.wait(timeout=300)
        return True
    return False


def _processes() -> dict[int, tuple[int, int]]:
    """Parent and session of every process."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            fields = (process / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        found[int(process.name)] = (int(fields[1]), int(fields[3]))
    return found


def processes(shop: Shop) -> list[str]:
    """What runs in the folder of the shop, each as the name of its folder and a word for what it is."""
    words = {"God Daemon": "PM2", "sqs-worker": "worker", "timeout ": "watch", "moto.server": "AWS"}
    words |= {"smtp_sink": "mail server", "-m storefront.": "service"}
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            where = str((process / "cwd").readlink())
        except OSError:
            continue
        place = next((text for text in (where, command) if f"{shop.state}/" in text), None)
        if place and command:
            word = next((word for sign, word in words.items() if sign in command), command)
            found.append(f"{place.partition(f'{shop.state}/')[2].split('/')[0]} {word}")
    return sorted(found)


RUNNING = sorted(
    [f"{service}-1 {word}" for service in SERVICES for word in ("PM2", "service", "worker")]
    + ["aws AWS", "aws watch", "smtp mail server", "smtp watch"]
)


def leftovers(shop: Shop) -> list[str]:
    """Files that belong to nothing, relative to the folder of the shop."""
    found = []
    for parent, folders, files in os.walk(shop.state):
        links = [name for name in folders if (Path(parent) / name).is_symlink()]
        found += [str((Path(parent) / name).relative_to(shop.state)) for name in [*files, *links]]
    return [path for path in found if not KNOWN.fullmatch(path)]


def assert_whole(before: dict[str, str], killed: dict[str, str], after: dict[str, str]) -> None:
    """A file is as it was or as it will be, whatever the moment."""
    for path, text in killed.items():
        assert text in (before.get(path), after[path]), f"{path} is torn: {text}"


def assert_finished(shop: Shop) -> None:
    """What is wanted runs, once; nothing is left over, and no lock is held."""
    for process in Path(shop.state).glob("*/*.json"):
        json.loads(process.read_text(encoding="utf-8"))
    assert leftovers(shop) == []
    assert processes(shop) == RUNNING
    assert list(shop.state.glob("*-1/.deploy-lock")) == []
    for path in shop.state.glob("*-1/*/.lock"):
        with path.open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    ec2 = boto3.client(
        "ec2", endpoint_url=shop.aws, region_name=REGION, aws_access_key_id="x", aws_secret_access_key="x"
    )
    reservations = ec2.describe_instances()["Reservations"]
    assert len([instance for found in reservations for instance in found["Instances"]]) == len(SERVICES)


def assert_nothing_changes(shop: Shop) -> None:
    code, printed = shop.run("site.yml")
    assert code == 0, printed
    assert re.findall(r"changed=(\d+)", printed) == ["0"] * (1 + len(SERVICES)), printed


def last_task(printed: str) -> str:
    return (re.findall(r"^TASK \[(.*)\]", printed, re.MULTILINE) or ["before the first task"])[-1]


def test_killed_run_is_finished_by_the_next(shop: Shop, moments: random.Random) -> None:
    lengths = {True: 60.0, False: 20.0}  # seconds from a bare start or not, until one was measured
    number = 0
    while number < KILLS:
        bare = number % BARE_EVERY == 0
        if bare:
            end(shop)
        shop.want(number)
        before = shop.settings()
        moment, whole = moments.uniform(0.5, lengths[bare]), moments.random() < 0.7
        if not kill(shop.begin("site.yml"), moment, whole=whole):
            lengths[bare] = moment
            continue
        number += 1
        at = last_task(shop.printed)
        killed = shop.settings()
        began = time.monotonic()
        code, printed = shop.run("site.yml")
        lengths[bare] = time.monotonic() - began
        what = "the whole run" if whole else "its first process"
        print(f"kill {number}, {'bare' if bare else 'on top'}: {what} after {moment:.1f} s, at: {at}", flush=True)
        assert code == 0, printed
        assert_whole(before, killed, shop.settings())
        assert_finished(shop)
        assert_nothing_changes(shop)


def test_killed_deploy_leaves_its_name_and_can_be_taken_over(shop: Shop, moments: random.Random) -> None:
    options = ("-e", "services=payment", "-e", "deploy_gate_settle=1")
    lock = shop.state / "payment-1" / ".deploy-lock"
    if not shop.state.exists():
        shop.want(0)
        assert shop.run("site.yml")[0] == 0, shop.printed
    length, number = 20.0, 0
    while number < DEPLOY_KILLS:
        shop.change_release(1000 + number)
        moment = moments.uniform(2, length)
        if not kill(shop.begin("playbooks/deploy.yml", *options), moment, whole=moments.random() < 0.7):
            length = moment
            continue
        number += 1
        print(f"deploy {number} killed after {moment:.1f} s, at: {last_task(shop.printed)}", flush=True)
        if lock.exists():
            who = json.loads(lock.read_text(encoding="utf-8"))["who"]
            code, printed = shop.run("playbooks/deploy.yml", *options)
            assert code != 0
            assert f"{who} deploys payment here since" in printed
            assert "-e deploy_break_lock=true" in printed
        began = time.monotonic()
        code, printed = shop.run("playbooks/deploy.yml", *options, "-e", "deploy_break_lock=true")
        length = time.monotonic() - began
        assert code == 0, printed
        assert (shop.state / "payment-1/payment/app/RELEASE").read_text() == f"{1000 + number - 1}\n"
        assert_finished(shop)
    # The release of the other services.
    assert shop.run("site.yml")[0] == 0, shop.printed
    assert_nothing_changes(shop)
