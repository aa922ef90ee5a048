# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole job under ansible-runner, set up as AWX does it: an installed collection, a project, an inventory, and the
answers of a survey, which are text, as extra variables."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from checkout import ROOT

BIN = Path(sys.executable).parent
SITE = """
- name: The whole job
  ansible.builtin.import_playbook: ecommerce.sqs.site
"""
DOWN = """
- name: End what it left running
  ansible.builtin.import_playbook: ecommerce.sqs.down
"""


def free_port() -> str:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


class Job:
    """What a job left behind in its private data directory."""

    def __init__(self, artifacts: Path) -> None:
        self.return_code = int((artifacts / "rc").read_text())
        self.status = (artifacts / "status").read_text()
        self.output = (artifacts / "stdout").read_text()
        found = [json.loads(path.read_text()) for path in (artifacts / "job_events").glob("[0-9]*.json")]
        self.events: list[dict[str, Any]] = sorted(found, key=lambda event: event["counter"])

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The data of the events of a kind, such as runner_on_failed."""
        return [event["event_data"] for event in self.events if event["event"] == kind]

    @property
    def stats(self) -> dict[str, Any]:
        """Counts by host: {"changed": {"payment-1": 3}, ...}."""
        return self.of("playbook_on_stats")[-1]


class Controller:
    """A private data directory, and jobs in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("project", "inventory", "env", "home"):
            (folder / name).mkdir(parents=True)
        (folder / "project/site.yml").write_text(SITE)
        (folder / "project/down.yml").write_text(DOWN)
        shutil.copytree(ROOT / "inventories/local", folder / "inventory", dirs_exist_ok=True)
        (folder / "env/settings").write_text(json.dumps({"job_timeout": 600, "idle_timeout": 300}))
        (folder / "env/extravars").write_text(json.dumps(self._survey()))
        (folder / "env/envvars").write_text(
            json.dumps({"ANSIBLE_COLLECTIONS_PATH": str(folder / "collections"), "HOME": str(folder / "home")})
        )
        self._install_collection()

    def _survey(self) -> dict[str, str]:
        return {
            "services": "payment",
            "launch_instances": "false",
            "smtp_sink_enabled": "false",
            "embedded_aws_enabled": "true",
            "embedded_aws_port": free_port(),
            "storefront_payment_port": free_port(),
            "service_stop_timeout": "20",
            "storefront_directory": str(ROOT / "examples/storefront"),
            "local_directory": str(self.folder / "local"),
        }

    def _install_collection(self) -> None:
        galaxy = [str(BIN / "ansible-galaxy"), "collection"]
        source = ROOT / ".ansible/collections/ansible_collections/ecommerce/sqs"
        built = self.folder / "built"
        for command in (
            ["build", str(source), "--output-path", str(built)],
            ["install", "--no-deps", "-p", str(self.folder / "collections")],
        ):
            archives = [str(path) for path in built.glob("*.tar.gz")]
            subprocess.run(
                [*galaxy, *command, *archives], cwd=self.folder, check=True, timeout=900, capture_output=True
            )

    def run(self, playbook: str, *options: str) -> Job:
        """Run a playbook of the project to its end, with nobody at a terminal."""
        identifier = f"{playbook}{len(list((self.folder / 'artifacts').glob('*')))}"
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "ANSIBLE_"))}
        (self.folder / "env/cmdline").write_text(" ".join(options))
        subprocess.run(
            [BIN / "ansible-runner", "run", self.folder, "-p", f"{playbook}.yml", "--ident", identifier],
            env=kept | {"PATH": f"{BIN}:{os.environ['PATH']}"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=3600,
            check=False,
        )
        return Job(self.folder / "artifacts" / identifier)


@pytest.fixture(scope="module")
def controller(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Controller]:
    controller = Controller(tmp_path_factory.mktemp("awx"))
    yield controller
    assert controller.run("down").return_code == 0


def assert_success(job: Job) -> None:
    assert job.return_code == 0, job.output
    assert job.status == "successful"
    assert job.of("runner_on_failed") + job.of("runner_on_unreachable") == []
    assert not job.stats["failures"]
    assert "Queues in ap-southeast-1:" in job.output[-4000:], "the summary is the last that is shown"


def test_check_on_an_empty_account_then_the_run_then_nothing_to_do(controller: Controller) -> None:
    project = sorted((controller.folder / "project").rglob("*"))
    check = controller.run("site", "--check")
    assert_success(check)
    assert "This was a check" in check.output
    assert not (controller.folder / "local/payment-1").exists()
    first = controller.run("site")
    assert_success(first)
    assert first.stats["changed"]["payment-1"] > 0
    assert (controller.folder / "local/payment-1/payment/.env").exists()
    assert not (controller.folder / "local/order-1").exists(), "another service than the survey's was deployed"
    again = controller.run("site")
    assert_success(again)
    assert not again.stats["changed"]
    assert sorted((controller.folder / "project").rglob("*")) == project, "a job wrote into its project"
