"""What EC2 refuses for a while, and how many instances it can be asked for at once."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from ansible_collections.ecommerce.sqs.plugins.module_utils._associations.api import AssociationApi, UnknownProfileError
from ansible_collections.ecommerce.sqs.tests.unit.support.instances import UNKNOWN, launch
from ansible_collections.ecommerce.sqs.tests.unit.support.strict_aws import Clock, StrictAws


def test_a_profile_that_ec2_does_not_know_yet_is_tried_again():
    (instance,) = launch()
    aws, clock = StrictAws(), Clock()
    aws.refuse("AssociateIamInstanceProfile", "InvalidParameterValue", UNKNOWN, times=5)
    AssociationApi(aws.client("ec2"), timeout=120, sleep=clock.sleep).associate(instance, "ours-b")
    assert clock.now == 10
    assert aws.writes == ["AssociateIamInstanceProfile"] * 6


def test_a_profile_that_ec2_never_knows_is_waited_for_until_the_timeout():
    aws, clock = StrictAws(), Clock()
    aws.refuse("AssociateIamInstanceProfile", "InvalidParameterValue", UNKNOWN)
    with pytest.raises(UnknownProfileError, match="ours-b"):
        AssociationApi(aws.client("ec2"), timeout=120, sleep=clock.sleep).associate("i-01234567", "ours-b")
    assert clock.now == 120


def test_another_refusal_is_not_tried_again():
    aws, clock = StrictAws(), Clock()
    aws.refuse("AssociateIamInstanceProfile", "UnauthorizedOperation", "You are not authorized (iam:PassRole)")
    with pytest.raises(ClientError, match="UnauthorizedOperation"):
        AssociationApi(aws.client("ec2"), timeout=120, sleep=clock.sleep).associate("i-01234567", "ours-b")
    assert clock.now == 0


def test_an_association_that_does_not_end_is_waited_for_until_the_timeout():
    (instance,) = launch()
    clock = Clock()
    api = AssociationApi(StrictAws().client("ec2"), timeout=30, sleep=clock.sleep)
    assert api.wait_until_associated({instance: "ours-a"}) == [instance]
    assert clock.now == 30


def test_more_instances_than_a_filter_takes_are_asked_for_in_parts():
    client = StrictAws().client("ec2")
    asked = []
    client.meta.events.register(
        "before-parameter-build.ec2", lambda params, **_rest: asked.extend(params.get("Filters", []))
    )
    instances = launch(201)
    assert set(AssociationApi(client, 4).read(instances)) == set(instances)
    assert max(len(entry["Values"]) for entry in asked) == 200
