# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""A service that a host runs and nobody defined is named before anything is touched."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from checkout import ROOT

TOPOLOGY = {
    "prefix": "ecommerce",
    "queues": {"order": {}, "refund": {}, "parcel": {}},
    "services": {
        "payment": {"consumes": ["order"]},
        "refund": {"consumes": ["refund"]},
        "parcel": {"consumes": ["parcel"]},
    },
}
TOLD = (
    "payment-1 runs refund, of which service_definitions says nothing: add service_definitions.refund to the "
    "inventory, take the host out of the group refund, or choose other services with -e services="
)


def play(folder: Path, playbook: str, *options: str) -> tuple[int, str]:
    """Run a playbook on two hosts, of which payment-1 is in the groups payment and refund; nobody runs parcel."""
    variables = {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "ansible_become": False,
        "artifact_directory": str(folder / "artifacts"),
        "deploy_root": str(folder / "root"),
        "deploy_user": "",
        "worker_process_manager": "pm2",
        "sqs_region": "ap-southeast-1",
        "sqs_topology": TOPOLOGY,
        # Nothing listens there: whoever asks AWS fails.
        "sqs_aws_environment": {
            "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
            "AWS_REGION": "ap-southeast-1",
            "AWS_ACCESS_KEY_ID": "none",
            "AWS_SECRET_ACCESS_KEY": "none",
            "AWS_EC2_METADATA_DISABLED": "true",
        },
        "service_definitions": {"payment": {"worker": {"handler": "http://127.0.0.1:9/"}}},
    }
    groups = {"payment": {"hosts": {"payment-1": {}, "payment-2": {}}}, "refund": {"hosts": {"payment-1": {}}}}
    inventory = {"vars": variables, "hosts": {"localhost": {}}, "children": {"service_hosts": {"children": groups}}}
    (folder / "hosts.json").write_text(json.dumps({"all": inventory}), encoding="utf-8")
    done = subprocess.run(
        ["ansible-playbook", f"playbooks/{playbook}.yml", "-i", str(folder / "hosts.json"), *options],
        cwd=ROOT, env={**os.environ, "ANSIBLE_NOCOLOR": "1"}, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=900, check=False,
    )  # fmt: skip
    output = done.stdout + done.stderr
    print(output)
    return done.returncode, output


@pytest.mark.parametrize("playbook", ["preflight", "hosts", "deploy", "rollback"])
def test_service_without_a_definition_is_named_and_no_host_is_touched(tmp_path: Path, playbook: str) -> None:
    code, output = play(tmp_path, playbook)
    assert code != 0
    assert TOLD in output
    assert "parcel" not in output
    assert "Look the queues up" not in output
    assert not (tmp_path / "root").exists()


def test_only_services_that_are_chosen_need_a_definition(tmp_path: Path) -> None:
    code, output = play(tmp_path, "preflight", "-e", "services=payment,parcel")
    assert code == 0, output
