# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""playbooks/deploy.yml and rollback.yml on two hosts that are folders of this machine, against moto."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import boto3
import pytest

from checkout import ROOT

APP = Path(__file__).with_name("app")
REGION = "ap-southeast-1"
HOSTS = ("payment-1", "payment-2")
TOPOLOGY = {
    "prefix": "ecommerce",
    "queues": {"order": {"visibility_timeout": 60}},
    "services": {"payment": {"consumes": ["order"]}},
}


class Site:
    """The hosts, their AWS, and the source of what is deployed on them."""

    def __init__(self, folder: Path, endpoint: str) -> None:
        self.folder, self.endpoint = folder, endpoint
        self.source = folder / "source"
        shutil.copytree(APP, self.source, ignore=shutil.ignore_patterns("__pycache__"))
        self.ports = dict(zip(HOSTS, free_ports(2), strict=True))
        self.aws = {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "embedded",
            "AWS_SECRET_ACCESS_KEY": "embedded",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        self.releases = 0
        self.change()
        (folder / "hosts.json").write_text(json.dumps(self._inventory()), encoding="utf-8")

    def _inventory(self) -> dict[str, Any]:
        local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        hosts = {
            name: {
                "deploy_root": str(self.root(name)),
                "service_definitions": {"payment": self._definition(name)},
            }
            for name in HOSTS
        }
        variables = {
            **local,
            "ansible_become": False,
            "artifact_directory": str(self.folder / "artifacts"),
            "deploy_user": "",
            "worker_process_manager": "pm2",
            # The hosts are this machine.
            "service_uv": [sys.executable, str(ROOT / "scripts/uv")],
            "sqs_region": REGION,
            "sqs_topology": TOPOLOGY,
            "sqs_aws_environment": self.aws,
            "deploy_batches": 1,
        }
        children = {"payment": {"hosts": hosts}}
        return {
            "all": {
                "vars": variables,
                "hosts": {"localhost": {}},
                "children": {"service_hosts": {"children": children}},
            }
        }

    def _definition(self, host: str) -> dict[str, Any]:
        address = f"http://127.0.0.1:{self.ports[host]}"
        return {
            "source": f"{{{{ payment_source | default('{self.source}') }}}}",
            "command": ["venv/bin/python", "app/service.py"],
            "health_urls": [f"{address}/healthz"],
            "env": {
                "PORT": self.ports[host],
                **self.aws,
                "AWS_ENDPOINT_URL": "{{ payment_endpoint | default(aws_endpoint) }}",
            },
            "worker": {"handler": f"http:{address}/jobs", "settings": {"SQS_WORKER_WAIT_TIME": 1}},
        }

    def root(self, host: str) -> Path:
        return self.folder / host

    def change(self, broken: str = "") -> None:
        """Make another release of the source, broken or not."""
        self.releases += 1
        (self.source / "RELEASE").write_text(f"{self.releases}\n", encoding="utf-8")
        (self.source / "BROKEN").write_text(f"{broken}\n", encoding="utf-8")

    def begin(self, playbook: str, *options: str, **variables: Any) -> subprocess.Popen[str]:
        """Start a playbook; what it prints, errors too, comes from its standard output."""
        given = {
            "aws_endpoint": self.endpoint,
            # One PM2 program serves both.
            "hosts_pm2_directory": str(self.folder / "pm2"),
            "deploy_gate_settle": 1,
            "deploy_gate_timeout": 20,
            **variables,
        }
        return subprocess.Popen(
            ["ansible-playbook", f"{ROOT / 'playbooks' / playbook}.yml", "-i", str(self.folder / "hosts.json"),
             "-e", json.dumps(given), *options],
            cwd=ROOT, env={**os.environ, "ANSIBLE_NOCOLOR": "1"}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def play(self, playbook: str, *options: str, **variables: Any) -> tuple[int, str]:
        """Run a playbook; return its exit code and what it printed."""
        process = self.begin(playbook, *options, **variables)
        try:
            output, _unused = process.communicate(timeout=3600)
        finally:
            process.kill()
        print(output)
        assert "Traceback" not in output
        return process.returncode, output

    def live(self, host: str) -> str:
        return (self.root(host) / "payment" / "current").readlink().name

    def processes(self, host: str) -> dict[str, int]:
        """The process IDs of a host by their names in PM2."""
        pm2 = self.folder / "pm2" / "node_modules" / ".bin" / "pm2"
        done = subprocess.run(
            [pm2, "jlist"], env={**os.environ, "PM2_HOME": str(self.root(host) / "pm2")},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600, check=True,
        )  # fmt: skip
        return {entry["name"]: entry["pid"] for entry in json.loads(done.stdout.splitlines()[-1])}

    def hold_lock(self, host: str) -> Path:
        """Lock a host for somebody else."""
        lock = self.root(host) / ".deploy-lock"
        held = {"path": str(lock), "deploy": "another", "who": "ann@laptop", "what": "payment"}
        subprocess.run(
            ["ansible", host, "-i", str(self.folder / "hosts.json"), "-m", "ecommerce.sqs.deploy_lock",
             "-a", json.dumps(held)],
            cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600, check=True,
        )  # fmt: skip
        return lock

    def locks(self) -> list[Path]:
        return list(self.folder.glob("*/.deploy-lock"))

    def log(self, host: str) -> list[str]:
        path = self.root(host) / "deploys.log"
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []

    def sqs(self) -> Any:
        return boto3.client(
            "sqs", endpoint_url=self.endpoint, region_name=REGION,
            aws_access_key_id="embedded", aws_secret_access_key="embedded",
        )  # fmt: skip

    def order(self, body: str) -> None:
        """Send an order and wait until one of the hosts has handled it."""
        sqs = self.sqs()
        sqs.send_message(QueueUrl=sqs.get_queue_url(QueueName="ecommerce-order-queue")["QueueUrl"], MessageBody=body)
        for _attempt in range(300):
            handled = [self.root(host) / "payment" / "data" / "handled" for host in HOSTS]
            if any(path.exists() and body in path.read_text(encoding="utf-8") for path in handled):
                return
            time.sleep(0.1)
        raise AssertionError(f"nobody handled {body}")


def free_ports(count: int) -> list[int]:
    listeners = [socket.create_server(("127.0.0.1", 0)) for _number in range(count)]
    try:
        return [listener.getsockname()[1] for listener in listeners]
    finally:
        for listener in listeners:
            listener.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    (port,) = free_ports(1)
    aws = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    # A Unix socket of PM2 has a path of at most 107 characters.
    folder = tmp_path_factory.mktemp("d")
    made = Site(folder, f"http://127.0.0.1:{port}")
    try:
        wait_for(port, aws)
        assert made.play("queues")[0] == 0
        assert made.play("hosts")[0] == 0
        yield made
    finally:
        for daemon in folder.glob("*/pm2/rpc.sock"):
            subprocess.run(
                [folder / "pm2" / "node_modules" / ".bin" / "pm2", "kill"],
                env={**os.environ, "PM2_HOME": str(daemon.parent)},
                stdin=subprocess.DEVNULL, capture_output=True, timeout=600, check=False,
            )  # fmt: skip
        aws.terminate()
        aws.wait(timeout=300)


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _attempt in range(300):
        with closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert process.poll() is None, "moto ended"
        time.sleep(0.1)
    raise AssertionError("moto does not listen")


def test_check_mode_shows_a_deploy_and_changes_nothing(site: Site) -> None:
    before = [site.live(host) for host in HOSTS], [site.processes(host) for host in HOSTS]
    site.change()
    code, _output = site.play("deploy", "--check", "--diff")
    assert code == 0
    assert before == ([site.live(host) for host in HOSTS], [site.processes(host) for host in HOSTS])
    assert not site.locks()


def test_a_deploy_reaches_every_host_and_leaves_a_line(site: Site) -> None:
    before = site.live("payment-1")
    site.change()
    code, output = site.play("deploy")
    assert code == 0, output
    assert site.live("payment-1") == site.live("payment-2") != before
    for host in HOSTS:
        assert f"payment: live, payment {before} -> {site.live(host)}" in site.log(host)[-1]
    assert not site.locks()
    assert not list(site.folder.glob("*/payment/*.before"))
    site.order("after-the-deploy")
    handled = "".join(path.read_text(encoding="utf-8") for path in site.folder.glob("*/payment/data/handled"))
    assert "canary" not in handled


@pytest.mark.parametrize(
    ("broken", "variables", "reason"),
    [
        ("", {"payment_endpoint": "http://127.0.0.1:9"}, "has not received from its queue yet"),
        ("start", {}, "the payment provider's key is not set"),
        ("health", {}, "HTTP Error 503"),
        ("hang", {}, "timed out"),
    ],
)
def test_a_broken_deploy_ends_at_the_canary_which_goes_back(
    site: Site, broken: str, variables: dict[str, str], reason: str
) -> None:
    before = {host: site.live(host) for host in HOSTS}
    settings = {host: (site.root(host) / "payment" / ".env").read_bytes() for host in HOSTS}
    untouched = site.processes("payment-2")
    # One changes nothing but the settings.
    if broken:
        site.change(broken)
    code, output = site.play("deploy", **variables)
    assert code != 0
    assert reason in output
    assert "payment-1 failed and runs what it ran before. Hosts after it were not touched." in output
    assert {host: site.live(host) for host in HOSTS} == before
    assert {host: (site.root(host) / "payment" / ".env").read_bytes() for host in HOSTS} == settings
    assert site.processes("payment-2") == untouched
    assert not site.locks()
    assert "failed and rolled back" in site.log("payment-1")[-1]
    site.order(f"after-{reason}")
    if not broken:
        back = site.processes("payment-1")
        assert site.play("hosts")[0] == 0
        assert site.processes("payment-1") == back, "they ran on with the settings of the failed deploy"


def test_nothing_is_changed_when_one_host_is_not_ready(site: Site) -> None:
    before = {host: site.live(host) for host in HOSTS}
    releases = site.root("payment-2") / "payment" / "releases"
    releases.rename(releases.with_name("away"))
    releases.write_text("", encoding="utf-8")
    try:
        site.change()
        code, output = site.play("deploy")
    finally:
        releases.unlink()
        releases.with_name("away").rename(releases)
    assert code != 0
    assert "Nothing was changed, because not every host is ready. payment-2: " in output
    assert {host: site.live(host) for host in HOSTS} == before
    assert not site.locks()


def test_nothing_is_changed_when_sudo_wants_a_password_on_one_host(site: Site) -> None:
    before = {host: site.live(host) for host in HOSTS}
    sudo = site.folder / "sudo"
    sudo.write_text("#!/bin/sh\necho 'sudo: a password is required' >&2\nexit 1\n", encoding="utf-8")
    sudo.chmod(0o755)
    site.change()
    on_one = {"ansible_become": "{{ inventory_hostname == 'payment-2' }}", "ansible_become_user": "nobody"}
    code, output = site.play("deploy", ansible_become_exe=str(sudo), **on_one)
    assert code != 0
    cause, told = re.findall(r'^fatal: .*"msg": "(.*)"', output, re.MULTILINE)
    assert cause.endswith("sudo: a password is required")
    assert told == f"Nothing was changed, because not every host is ready. payment-2: {cause}"
    assert {host: site.live(host) for host in HOSTS} == before
    assert not site.locks()


def test_the_lock_of_another_deploy_is_shown_and_broken_on_request(site: Site) -> None:
    lock = site.hold_lock("payment-2")
    before = {host: site.live(host) for host in HOSTS}
    site.change()
    code, output = site.play("deploy")
    assert code != 0
    assert "ann@laptop" in output
    assert {host: site.live(host) for host in HOSTS} == before
    assert site.locks() == [lock]
    code, output = site.play("deploy", deploy_break_lock=True)
    assert code == 0, output
    assert site.live("payment-1") == site.live("payment-2") != before["payment-1"]
    assert not site.locks()


def test_a_rollback_goes_to_the_release_before_on_the_hosts_it_is_limited_to(site: Site) -> None:
    newest = site.live("payment-1")
    before = (site.root("payment-1") / "payment" / "previous").readlink().name
    code, output = site.play("rollback", "--limit", "payment-1")
    assert code == 0, output
    assert site.live("payment-1") == before
    assert site.live("payment-2") == newest
    assert "payment: rolled back by hand" in site.log("payment-1")[-1]
    site.order("after-the-rollback")


def test_a_rollback_that_ends_half_way_is_never_repeated_in_another_direction(site: Site) -> None:
    live = {host: site.live(host) for host in HOSTS}
    assert live["payment-1"] != live["payment-2"]
    code, output = site.play("rollback")
    assert code != 0
    assert "Nothing was changed" in output
    assert "choose one with deploy_release" in output or "has no release before" in output
    assert {host: site.live(host) for host in HOSTS} == live
    assert not site.locks()
    code, output = site.play("rollback", deploy_release=live["payment-1"])
    assert code == 0, output
    assert site.live("payment-1") == site.live("payment-2") == live["payment-1"]


def test_a_rollback_locks_every_host_first_or_changes_nothing(site: Site) -> None:
    site.change()
    assert site.play("deploy")[0] == 0
    live = {host: site.live(host) for host in HOSTS}
    lock = site.hold_lock("payment-2")
    code, output = site.play("rollback")
    assert code != 0
    assert "ann@laptop" in output
    assert {host: site.live(host) for host in HOSTS} == live
    assert site.locks() == [lock]
    code, output = site.play("rollback", deploy_break_lock=True)
    assert code == 0, output
    assert site.live("payment-1") == site.live("payment-2") != live["payment-1"]
    assert not site.locks()


def test_a_host_that_cannot_go_back_either_ends_the_deploy_and_keeps_no_lock(site: Site) -> None:
    before = site.live("payment-2")
    site.change("start")
    occupied = site.root("payment-1") / "deploys.log"
    noted = site.log("payment-1")
    occupied.rename(occupied.with_name("away"))
    occupied.mkdir()
    current = site.root("payment-1") / "payment" / "releases" / site.live("payment-1")
    script = current / "app" / "service.py"
    good = script.read_text(encoding="utf-8")
    script.write_text("raise SystemExit('the one before does not start either')\n", encoding="utf-8")
    try:
        code, output = site.play("deploy")
    finally:
        occupied.rmdir()
        occupied.with_name("away").rename(occupied)
        script.write_text(good, encoding="utf-8")
    assert code != 0
    assert "payment-1 could not go back to what it ran: " in output
    assert "failed and could not go back to what it ran before" in output
    assert "has no line of this deploy" in output
    assert site.live("payment-2") == before
    assert not site.locks()
    assert site.log("payment-1") == noted
    site.change()
    assert site.play("deploy")[0] == 0


UNREACHABLE_CANARY = """
- hosts: payment
  gather_facts: false
  vars_files: [{playbooks}/vars/hosts.yml, {playbooks}/vars/deploy.yml]
  tasks:
    - include_tasks: {playbooks}/tasks/deploy/begin.yml
      vars: {{hosts_chosen: [payment]}}
    - group_by:
        key: deploy_{{{{ 'canaries' if inventory_hostname == 'payment-1' else 'followers' }}}}
    - set_fact:
        deploy_proven: false
      when: inventory_hostname == 'payment-1'
- hosts: deploy_followers
  gather_facts: false
  vars_files: [{playbooks}/vars/hosts.yml, {playbooks}/vars/deploy.yml]
  tasks:
    - include_tasks: {playbooks}/tasks/deploy/may_go_on.yml
    - debug:
        msg: the next batch
"""


def test_no_batch_follows_a_host_that_went_away_unproven(site: Site) -> None:
    playbook = site.folder / "unreachable.yml"
    playbook.write_text(UNREACHABLE_CANARY.format(playbooks=ROOT / "playbooks"), encoding="utf-8")
    code, output = site.play(str(playbook.with_suffix("")))
    assert code != 0
    assert "payment-1 went away before it had proven itself" in output
    assert "the next batch" not in output
    assert site.locks() == [site.root("payment-1") / ".deploy-lock"]
    site.locks()[0].unlink()


def test_what_was_made_ready_goes_live_whatever_the_source_is_by_then(site: Site) -> None:
    site.change()
    wanted = site.releases
    process = site.begin("deploy")
    output = ""
    for line in process.stdout or ():
        output += line
        if line.startswith("TASK [") and "Make the release live" in line:
            (site.source / "RELEASE").write_text("too late\n", encoding="utf-8")
    assert process.wait(timeout=600) == 0, output
    for host in HOSTS:
        assert (site.root(host) / "payment" / "app" / "RELEASE").read_text(encoding="utf-8") == f"{wanted}\n"


def test_old_releases_are_removed_but_never_the_live_one_and_the_one_before(site: Site) -> None:
    before = site.live("payment-2")
    releases = site.root("payment-2") / "payment" / "releases"
    oldest = releases / ("0" * 12)
    oldest.mkdir()
    os.utime(oldest, (0, 0))
    site.change()
    code, output = site.play("deploy", service_keep_releases=1)
    assert code == 0, output
    assert not oldest.exists()
    assert {path.name for path in releases.iterdir()} >= {site.live("payment-2"), before}


def test_a_service_that_is_not_there_is_named(site: Site) -> None:
    code, output = site.play("deploy", services="refund")
    assert code != 0
    assert "refund" in output


def test_a_service_without_a_source_runs_the_runtime(site: Site) -> None:
    definition = {"env": site.aws, "worker": {"handler": "command:/bin/true"}}
    bare = {"deploy_root": str(site.root("bare")), "service_definitions": {"payment": definition}}
    code, output = site.play("hosts", "--limit", "payment-1", **bare)
    assert code == 0, output
    assert list(site.processes("bare")) == ["payment-queue-worker"]


def test_an_archive_is_the_same_release_as_its_folder(site: Site) -> None:
    before = site.processes("payment-1"), site.processes("payment-2")
    live = site.live("payment-1")
    packed = shutil.make_archive(str(site.folder / "payment"), "gztar", site.source)
    code, output = site.play("deploy", payment_source=packed)
    assert code == 0, output
    assert site.live("payment-1") == live
    assert (site.processes("payment-1"), site.processes("payment-2")) == before


def test_a_version_in_git_is_deployed_and_another_one_by_a_word(site: Site) -> None:
    repository = site.folder / "repository"
    shutil.copytree(site.source, repository / "services" / "payment")
    release = repository / "services" / "payment" / "RELEASE"
    git(repository, "init", "--quiet")
    for version in ("v1", "v2"):
        release.write_text(f"{version}\n", encoding="utf-8")
        git(repository, "add", ".")
        git(repository, "commit", "--quiet", "--message", version)
        git(repository, "tag", version)
    source = {"git": str(repository), "version": "v1", "directory": "services/payment"}
    code, output = site.play("deploy", payment_source=source)
    assert code == 0, output
    live = site.live("payment-1")
    code, output = site.play("deploy", payment_source=source, deploy_version="v9")
    assert code != 0
    assert "v9" in output
    assert site.live("payment-1") == live
    assert not site.locks()
    code, output = site.play("deploy", payment_source=source, deploy_version="v2")
    assert code == 0, output
    for host in HOSTS:
        assert (site.root(host) / "payment" / "app" / "RELEASE").read_text(encoding="utf-8") == "v2\n"


def git(repository: Path, *arguments: str) -> None:
    author = [
        f"{key}={value}"
        for who in ("author", "committer")
        for key, value in ((f"{who}.name", "t"), (f"{who}.email", "t@t.example"))
    ]
    options = [option for setting in author for option in ("-c", setting)]
    subprocess.run(["git", *options, *arguments], cwd=repository, check=True, capture_output=True, timeout=600)
