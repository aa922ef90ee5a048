# SPDX-License-Identifier: GPL-3.0-or-later
"""The production inventory knows how the storefront is deployed and where it is verified."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from storefront_processes import ROOT
from storefront_support import REGION, Aws

SERVICES = ("order", "payment", "notification")
VAULT = {
    **{f"vault_{service}_database_url": f"postgresql://{service}:secret@db/{service}" for service in SERVICES},
    "vault_smtp_username": "shop",
    "vault_smtp_password": "secret",
}


@pytest.fixture
def addresses(aws: Aws) -> Iterator[dict[str, str]]:
    """A running instance for each service: its private address."""
    ec2 = aws.client("ec2")
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    found: dict[str, str] = {}
    identifiers = []
    for service in SERVICES:
        (instance,) = ec2.run_instances(
            ImageId=image,
            MinCount=1,
            MaxCount=1,
            TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Service", "Value": service}]}],
        )["Instances"]
        found[service] = instance["PrivateIpAddress"]
        identifiers.append(instance["InstanceId"])
    yield found
    ec2.terminate_instances(InstanceIds=identifiers)


def run(program: str, *arguments: str, variables: Mapping[str, object]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).with_name(program), *arguments, "-i", "inventories/prod", "-e", json.dumps(variables)],
        cwd=ROOT,
        env={
            **os.environ,
            "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.json",
            "ANSIBLE_LOAD_CALLBACK_PLUGINS": "1",
            "AWS_DEFAULT_REGION": REGION,
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def message(result: subprocess.CompletedProcess[str]) -> Any:
    assert result.returncode == 0, result.stdout + result.stderr
    (answer,) = json.loads(result.stdout)["plays"][0]["tasks"][0]["hosts"].values()
    return answer["msg"]


def test_each_service_listens_on_its_own_address_and_keeps_its_secrets_apart(addresses: dict[str, str]) -> None:
    for service, address in addresses.items():
        expression = f"msg={{{{ service_definitions.{service} }}}}"
        definition = message(run("ansible", service, "-m", "debug", "-a", expression, variables=VAULT))
        assert definition["env"]["HOST"] == address
        assert definition["worker"]["handler"] == f"python:storefront.{service}.worker:handle"
        assert "secret" not in json.dumps(definition["env"])
        assert definition["secrets"]["DATABASE_URL"] == f"postgresql://{service}:secret@db/{service}"


def test_verification_looks_at_the_first_host_of_each_service(addresses: dict[str, str]) -> None:
    expression = "msg={{ [verify_order_url, verify_payment_url, verify_notification_url] }}"
    urls = message(run("ansible", "localhost", "-m", "debug", "-a", expression, variables={}))
    assert urls == [
        f"http://{addresses[service]}:{port}" for service, port in zip(SERVICES, (8001, 8002, 8003), strict=True)
    ]


def test_verification_asks_for_a_mailbox(addresses: dict[str, str]) -> None:
    result = run("ansible-playbook", "playbooks/verify.yml", variables={})
    assert result.returncode != 0
    assert "missing required arguments: verify_email" in result.stdout
