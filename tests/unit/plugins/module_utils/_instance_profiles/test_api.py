# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""What IAM refuses for a while, because its reads follow its writes."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from ansible_collections.ecommerce.sqs.plugins.module_utils._instance_profiles.api import IamApi
from ansible_collections.ecommerce.sqs.plugins.module_utils._topology.names import Place
from ansible_collections.ecommerce.sqs.tests.unit.support.strict_aws import ACCOUNT, REGION, Clock, StrictAws

PLACE = Place(REGION, ACCOUNT, "aws")
DOCUMENT = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}]}


@pytest.fixture
def iam():
    """A client of an account with a role and a policy that it does not have."""
    with mock_aws():
        client = StrictAws().client("iam")
        client.create_role(RoleName="shop-role", AssumeRolePolicyDocument=json.dumps(DOCUMENT))
        client.create_policy(PolicyName="shop-policy", PolicyDocument=json.dumps(DOCUMENT))
        yield client


def api_with(aws, clock):
    return IamApi(aws.client("iam"), PLACE, sleep=clock.sleep)


def test_a_delete_conflict_of_a_moment_is_waited_out(iam):
    aws, clock = StrictAws(), Clock()
    aws.refuse("DeleteRole", "DeleteConflict", "Cannot delete entity, must remove referenced objects first.", times=3)
    api_with(aws, clock).delete_role("shop-role")
    assert clock.now == 3
    assert iam.list_roles()["Roles"] == []


def test_a_delete_conflict_that_stays_is_an_error(iam):
    aws, clock = StrictAws(), Clock()
    aws.refuse("DeleteRole", "DeleteConflict", "Cannot delete entity, must remove referenced objects first.")
    with pytest.raises(ClientError, match="DeleteConflict"):
        api_with(aws, clock).delete_role("shop-role")
    assert clock.now == 60
    assert iam.list_roles()["Roles"]


def test_a_policy_that_is_not_known_yet_is_attached_a_little_later(iam):
    aws, clock = StrictAws(), Clock()
    aws.refuse("AttachRolePolicy", "NoSuchEntity", "Policy does not exist", times=2)
    api_with(aws, clock).attach_policy("shop-role", PLACE.arn("iam", "policy/shop-policy"))
    assert clock.now == 2
    (attached,) = iam.list_attached_role_policies(RoleName="shop-role")["AttachedPolicies"]
    assert attached["PolicyName"] == "shop-policy"
