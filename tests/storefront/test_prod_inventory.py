# SPDX-License-Identifier: GPL-3.0-or-later
"""The production inventory knows how the storefront is deployed and where it is verified."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from storefront_support import REGION, Aws

from checkout import ROOT

pytestmark = pytest.mark.slow

SERVICES = ("order", "payment", "notification")
Launch = Callable[..., dict[str, Any]]
VAULT = {
    **{f"vault_{service}_database_url": f"postgresql://{service}:secret@db/{service}" for service in SERVICES},
    "vault_smtp_username": "shop",
    "vault_smtp_password": "secret",
}


@pytest.fixture
def instances(aws: Aws) -> Iterator[Launch]:
    """Launches an instance with tags, such as Service="payment"; all are terminated in the end."""
    ec2 = aws.client("ec2")
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    launched: list[str] = []

    def launch(**tags: str) -> dict[str, Any]:
        described = [{"Key": key, "Value": value} for key, value in tags.items()]
        specifications = [{"ResourceType": "instance", "Tags": described}] if tags else []
        (instance,) = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, TagSpecifications=specifications)[
            "Instances"
        ]
        launched.append(instance["InstanceId"])
        return dict(instance)

    yield launch
    ec2.terminate_instances(InstanceIds=launched)


@pytest.fixture
def addresses(instances: Launch) -> dict[str, str]:
    """A running instance for each service: its private address."""
    return {service: instances(Service=service)["PrivateIpAddress"] for service in SERVICES}


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
        timeout=900,
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


def test_running_instances_are_in_the_group_of_their_tag_and_no_others(aws: Aws, instances: Launch) -> None:
    payments = [instances(Service="payment"), instances(Service="payment", Topology="ecommerce", Name="payment-2")]
    order = instances(Service="order")
    stopped, terminated = instances(Service="payment"), instances(Service="payment")
    instances(Service="payment", Topology="staging"), instances(Name="bastion"), instances()
    ec2 = aws.client("ec2")
    ec2.stop_instances(InstanceIds=[stopped["InstanceId"]])
    ec2.terminate_instances(InstanceIds=[terminated["InstanceId"]])

    def host(service: str, instance: dict[str, Any]) -> str:
        return f"{service}-{instance['InstanceId']}"

    listed = json.loads(run("ansible-inventory", "--list", variables={}).stdout)
    of_payment = {host("payment", instance) for instance in payments}
    assert set(listed["payment"]["hosts"]) == of_payment
    assert listed["order"]["hosts"] == [host("order", order)]
    assert set(listed["service_hosts"]["hosts"]) == {*of_payment, host("order", order)}
    assert "notification" not in listed
    for instance in payments:
        variables = listed["_meta"]["hostvars"][host("payment", instance)]
        # What comes from AWS is marked, so that it is never taken for a template.
        assert variables["ansible_host"] == {"__ansible_unsafe": instance["PrivateIpAddress"]}
        assert variables["instance_id"] == {"__ansible_unsafe": instance["InstanceId"]}
    graph = run("ansible-inventory", "--graph", variables={}).stdout
    assert f"  |--@order:\n  |  |--{host('order', order)}\n" in graph
    assert "staging" not in graph


def test_an_instance_of_several_services_is_in_the_group_of_each(instances: Launch) -> None:
    both = instances(Service="order,payment")["InstanceId"]
    listed = json.loads(run("ansible-inventory", "--list", variables={}).stdout)
    assert listed["order"]["hosts"] == listed["payment"]["hosts"] == [f"order,payment-{both}"]


def test_another_prefix_than_that_of_the_topology_is_told_before_anything_is_touched(
    addresses: dict[str, str],
) -> None:
    topology = {"prefix": "shop", "queues": {"order": {}}, "services": {"payment": {"consumes": ["order"]}}}
    result = run("ansible-playbook", "playbooks/preflight.yml", variables={"sqs_topology": topology})
    assert result.returncode != 0
    assert "looks up the instances of ecommerce, and sqs_topology.prefix is shop: set topology_prefix" in result.stdout


def test_what_git_brings_lies_outside_the_inventory_that_ansible_reads_and_runs(addresses: dict[str, str]) -> None:
    fetched = Path(
        message(run("ansible", "localhost", "-m", "debug", "-a", "msg={{ artifact_directory }}", variables={}))
    )
    assert ROOT / "inventories" not in fetched.parents
    assert ROOT in fetched.parents
