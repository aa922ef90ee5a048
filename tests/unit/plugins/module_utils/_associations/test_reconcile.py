"""Module instance_profile_association: attach, swap, take away x check mode, real, repeated, and what EC2 refuses."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from ansible_collections.ecommerce.sqs.plugins.module_utils._associations.reconcile import reconcile
from ansible_collections.ecommerce.sqs.plugins.module_utils._problems import InvalidInputError, RefusedError
from ansible_collections.ecommerce.sqs.tests.unit.support.grid import three_runs
from ansible_collections.ecommerce.sqs.tests.unit.support.instances import UNKNOWN, launch
from ansible_collections.ecommerce.sqs.tests.unit.support.strict_aws import ACCOUNT, StrictAws


def state(instance_id):
    instance = (
        StrictAws().client("ec2").describe_instances(InstanceIds=[instance_id])["Reservations"][0]["Instances"][0]
    )
    return instance["State"]["Name"]


def run(associations, aws=None, check_mode=False, **changes):
    parameters = {
        "associations": [{"instance_id": key, "instance_profile": value} for key, value in associations.items()],
        "state": "present",
        "replaceable": [],
        "require_imdsv2": False,
        "metadata_hop_limit": None,
        "wait": True,
        "wait_timeout": 4,
        **changes,
    }
    aws = aws or StrictAws()
    aws.check_mode = check_mode
    return reconcile(parameters, aws), aws


def grid(associations, writes, **changes):
    done, made = three_runs(run, associations, **changes)
    assert sorted(made) == sorted(writes)
    return done


def test_running_instances_get_their_profiles_and_keep_running():
    first, second = launch(2)
    done = grid(
        {first: "ours-a", second: f"arn:aws:iam::{ACCOUNT}:instance-profile/x/ours-b"},
        ["AssociateIamInstanceProfile"] * 2,
    )
    assert [item["instance_profile"] for item in done["associations"]] == ["ours-a", "ours-b"]
    assert state(first) == state(second) == "running"


def test_one_of_ours_is_swapped_in_one_call():
    (instance,) = launch()
    run({instance: "ours-a"})
    done = grid({instance: "ours-b"}, ["ReplaceIamInstanceProfileAssociation"], replaceable=["ours-*"])
    assert done["associations"][0]["previous_instance_profile"] == "ours-a"


def test_a_stranger_stays_and_then_nothing_is_changed_at_all():
    mine, theirs = launch(2)
    run({theirs: "stranger"})
    aws = StrictAws()
    with pytest.raises(InvalidInputError, match=f"{theirs}: has the instance profile stranger, which is not ours"):
        run({mine: "ours-a", theirs: "ours-a"}, aws=aws, replaceable=["ours-*"])
    assert aws.writes == []
    grid({theirs: "ours-a"}, ["ReplaceIamInstanceProfileAssociation"], replaceable=["*"])


def test_taking_the_profile_away():
    (instance,) = launch()
    run({instance: "ours-a"})
    done = grid({instance: None}, ["DisassociateIamInstanceProfile"], state="absent", replaceable=["ours-a"])
    assert done["associations"][0]["instance_profile"] is None


def test_imdsv2_is_required_on_request_and_never_given_up():
    (instance,) = launch()
    run({instance: "ours-a"})
    done = grid({instance: "ours-a"}, ["ModifyInstanceMetadataOptions"], require_imdsv2=True, metadata_hop_limit=2)
    assert done["associations"][0]["http_tokens"] == "required"
    _done, aws = run({instance: "ours-a"}, require_imdsv2=False)
    assert aws.writes == []


def test_every_bad_instance_is_named_at_once():
    (gone,) = launch()
    StrictAws().client("ec2").terminate_instances(InstanceIds=[gone])
    with pytest.raises(InvalidInputError) as caught:
        run({gone: "ours-a", "i-0123456789abcdef0": "ours-a"})
    assert f"{gone}: the instance is terminated" in str(caught.value)
    assert "i-0123456789abcdef0: there is no such instance in this region" in str(caught.value)


def test_a_profile_that_ec2_never_knows_is_an_error_with_the_way_out():
    (instance,) = launch()
    aws = StrictAws()
    aws.refuse("AssociateIamInstanceProfile", "InvalidParameterValue", UNKNOWN)
    with pytest.raises(RefusedError, match=r"EC2 still does not know the instance profile ours-b.* raise wait_timeout"):
        run({instance: "ours-b"}, aws=aws, wait_timeout=0)


def test_an_association_that_does_not_end_is_named_with_the_way_out():
    (instance,) = launch()
    aws = StrictAws()
    associating = {"State": "associating", "InstanceId": instance, "IamInstanceProfile": {"Arn": "arn:x/ours-a"}}
    aws.client("ec2").meta.events.register(
        "after-call.ec2.DescribeIamInstanceProfileAssociations",
        lambda parsed, **_rest: parsed.update(
            IamInstanceProfileAssociations=[
                {**item, **associating} for item in parsed["IamInstanceProfileAssociations"]
            ]
        ),
    )
    with pytest.raises(RefusedError, match=f"has not finished to associate {instance}; run again"):
        run({instance: "ours-a"}, aws=aws, wait_timeout=0)


def test_a_missing_permission_to_read_is_never_taken_for_no_profile():
    (instance,) = launch()
    aws = StrictAws()
    aws.refuse("DescribeIamInstanceProfileAssociations", "UnauthorizedOperation", "You are not authorized")
    with pytest.raises(ClientError):
        run({instance: "ours-a"}, aws=aws)
    assert aws.writes == []
