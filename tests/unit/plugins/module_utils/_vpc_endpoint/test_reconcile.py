"""Module vpc_endpoint: create, modify, delete x check mode, real, repeated."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from ansible_collections.ecommerce.sqs.plugins.module_utils._problems import InvalidInputError, RefusedError
from ansible_collections.ecommerce.sqs.plugins.module_utils._vpc_endpoint.reconcile import reconcile
from ansible_collections.ecommerce.sqs.tests.unit.support.grid import three_runs
from ansible_collections.ecommerce.sqs.tests.unit.support.strict_aws import (
    ACCOUNT,
    REGION,
    StrictAws,
)
from ansible_collections.ecommerce.sqs.tests.unit.support.topologies import default


@pytest.fixture
def network():
    with mock_aws():
        ec2 = StrictAws().client("ec2")
        vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
        subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"]]
        groups = [
            ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"] for name in ("a", "b")
        ]
        yield vpc, subnets, groups


def run(network, aws=None, check_mode=False, **changes):
    vpc, subnets, groups = network
    parameters = {
        "vpc_id": vpc,
        "service_name": None,
        "subnet_ids": subnets[:1],
        "security_group_ids": groups[:1],
        "private_dns_enabled": True,
        "topology": default(),
        "policy": None,
        "tags": {"a": "1"},
        "purge_tags": True,
        "state": "present",
        "wait": True,
        "wait_timeout": 10,
        **changes,
    }
    aws = aws or StrictAws()
    aws.check_mode = check_mode
    return reconcile(parameters, aws), aws


def grid(network, writes, **changes):
    done, made = three_runs(run, network, unpredicted=["vpc_endpoint"], **changes)
    assert made == writes
    return done


def test_made_changed_and_removed(network):
    _vpc, subnets, groups = network
    made = grid(network, ["CreateVpcEndpoint"])["vpc_endpoint"]
    assert made["private_dns"] is True
    (statement,) = made["policy"]["Statement"]
    assert f"arn:aws:sqs:{REGION}:{ACCOUNT}:ecommerce-order-queue" in statement["Resource"]
    changed = grid(network, ["ModifyVpcEndpoint"], subnet_ids=subnets[1:3])["vpc_endpoint"]
    assert changed["subnets"] == sorted(subnets[1:3])
    assert changed["id"] == made["id"]
    grid(network, ["ModifyVpcEndpoint"], subnet_ids=None, security_group_ids=groups[1:])
    unset = {"subnet_ids": None, "security_group_ids": None}
    policy = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}],
    }
    changed = grid(network, ["ModifyVpcEndpoint"], topology=None, policy=policy, **unset)
    assert changed["vpc_endpoint"]["policy"] == policy
    grid(network, ["CreateTags", "DeleteTags"], topology=None, tags={"b": "2"}, **unset)
    grid(network, ["DeleteVpcEndpoints"], state="absent", **unset)


def test_what_is_unset_stays(network):
    run(network)
    unset = dict.fromkeys(["subnet_ids", "security_group_ids", "private_dns_enabled", "topology", "tags"])
    _done, aws = run(network, **unset)
    assert aws.writes == []


def test_an_id_of_another_kind_is_named_before_any_call(network):
    aws = StrictAws()
    with pytest.raises(InvalidInputError) as caught:
        run(network, aws=aws, vpc_id="subnet-01234567", subnet_ids=["vpc-01234567"])
    assert "vpc_id: 'subnet-01234567' is not an ID such as vpc-" in str(caught.value)
    assert "subnet_ids: 'vpc-01234567' is not an ID such as subnet-" in str(caught.value)
    assert aws.calls == []


def test_a_missing_permission_to_read_is_never_taken_for_no_endpoint(network):
    aws = StrictAws()
    aws.refuse("DescribeVpcEndpoints", "UnauthorizedOperation", "You are not authorized")
    with pytest.raises(ClientError):
        run(network, aws=aws)
    assert aws.writes == []


def test_an_endpoint_that_does_not_become_available_is_named_with_the_way_out(network):
    aws = StrictAws()
    aws.client("ec2").meta.events.register(
        "after-call.ec2.DescribeVpcEndpoints",
        lambda parsed, **_rest: [item.update(State="pendingAcceptance") for item in parsed["VpcEndpoints"]],
    )
    with pytest.raises(RefusedError, match=f"the endpoint of {network[0]} is not available; .* raise wait_timeout"):
        run(network, aws=aws, wait_timeout=0)
