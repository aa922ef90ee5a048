"""Module instance_profile: create, modify, delete x check mode, real, repeated, and what AWS refuses."""

from __future__ import annotations

import copy
import json

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from ansible_collections.ecommerce.sqs.plugins.module_utils._instance_profiles.reconcile import reconcile
from ansible_collections.ecommerce.sqs.plugins.module_utils._problems import InvalidInputError, RefusedError
from ansible_collections.ecommerce.sqs.tests.unit.support.grid import three_runs
from ansible_collections.ecommerce.sqs.tests.unit.support.instances import launch
from ansible_collections.ecommerce.sqs.tests.unit.support.strict_aws import (
    ACCOUNT,
    StrictAws,
)
from ansible_collections.ecommerce.sqs.tests.unit.support.topologies import default

POLICY_PREFIX = f"arn:aws:iam::{ACCOUNT}:policy/"
BASE = POLICY_PREFIX + "of-the-company"


@pytest.fixture(autouse=True)
def _moto():
    with mock_aws():
        StrictAws().client("iam").create_policy(
            PolicyName="of-the-company", PolicyDocument=json.dumps(document("ssm:UpdateInstanceInformation"))
        )
        yield


def document(*actions):
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]}


def profile(**changes):
    return {
        "name": "shop-profile",
        "role": "shop-role",
        "managed_policies": [{"name": "shop-policy", "document": document("sqs:SendMessage")}],
        **changes,
    }


def run(*profiles, aws=None, check_mode=False, **changes):
    parameters = {
        "topology": None,
        "services": [],
        "autoscaling_groups": None,
        "operator_principals": [],
        "instance_profiles": list(profiles),
        "managed_policy_arns": [],
        "permissions_boundary": None,
        "state": "present",
        "force": False,
        "tags": None,
        "purge_tags": True,
        "purge_policies": False,
        "wait": True,
        "wait_timeout": 10,
        **changes,
    }
    aws = aws or StrictAws()
    aws.check_mode = check_mode
    return reconcile(copy.deepcopy(parameters), aws), aws


def grid(*profiles, **changes):
    done, _writes = three_runs(run, *profiles, **changes)
    return done


def test_all_profiles_of_a_topology_in_one_go():
    done = grid(topology=default(), tags={"Application": "shop"})
    assert [item["arn"] for item in done["instance_profiles"]] == [
        f"arn:aws:iam::{ACCOUNT}:instance-profile/ecommerce-{name}-instance-profile" for name in default()["services"]
    ]
    iam = StrictAws().client("iam")
    there = iam.get_instance_profile(InstanceProfileName="ecommerce-payment-instance-profile")["InstanceProfile"]
    assert [role["RoleName"] for role in there["Roles"]] == ["ecommerce-payment-role"]
    assert there["Tags"] == [{"Key": "Application", "Value": "shop"}]
    role = iam.get_role(RoleName="ecommerce-payment-role")["Role"]
    assert role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] == {"Service": "ec2.amazonaws.com"}


def test_a_topology_says_for_each_service_what_it_has():
    done, _aws = run(topology={**default(), "shared_instance_profile": True}, check_mode=True)
    assert {name: service["instance_profile_name"] for name, service in done["services"].items()} == dict.fromkeys(
        default()["services"], "ecommerce-ec2-instance-profile"
    )
    assert done["services"]["payment"]["role_arn"] == f"arn:aws:iam::{ACCOUNT}:role/ecommerce-ec2-role"


def test_chosen_services_leave_the_others_alone():
    done = grid(topology=default(), services=["payment"])
    assert [item["name"] for item in done["instance_profiles"]] == ["ecommerce-payment-instance-profile"]
    assert list(done["services"]) == list(default()["services"])
    roles = StrictAws().client("iam").list_roles()["Roles"]
    assert [role["RoleName"] for role in roles] == ["ecommerce-payment-role"]


def test_instances_of_an_autoscaling_group_may_finish_their_drain():
    grid(topology=default(), autoscaling_groups={"payment": "payment-service-asg"})
    iam = StrictAws().client("iam")
    granted = iam.get_role_policy(RoleName="ecommerce-payment-role", PolicyName="drain")["PolicyDocument"]["Statement"]
    assert granted[0]["Resource"].endswith("autoScalingGroupName/payment-service-asg")
    assert iam.list_role_policies(RoleName="ecommerce-order-role")["PolicyNames"] == []


def test_the_operators_role_is_for_those_named_and_has_no_profile():
    alice = f"arn:aws:iam::{ACCOUNT}:user/alice"
    done = grid(topology=default(), operator_principals=[alice])
    *_services, operator = done["instance_profiles"]
    assert operator["arn"] is None
    assert operator["role_arn"] == f"arn:aws:iam::{ACCOUNT}:role/ecommerce-redrive-role"
    iam = StrictAws().client("iam")
    trust = iam.get_role(RoleName="ecommerce-redrive-role")["Role"]["AssumeRolePolicyDocument"]
    assert trust["Statement"][0]["Principal"] == {"AWS": alice}
    assert len(iam.list_instance_profiles()["InstanceProfiles"]) == 3
    grid(topology=default(), operator_principals=[alice], state="absent")
    assert iam.list_roles()["Roles"] == []


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"services": ["payment", "refund"]}, "no service refund; declared are order, payment, notification"),
        (
            {"autoscaling_groups": {"paiment": "x"}},
            "there is no service paiment; there are order, payment, notification",
        ),
        ({"operator_principals": ["*"]}, "without wildcards"),
    ],
)
def test_a_choice_that_a_topology_has_not_is_named_before_the_first_call(options, reason):
    aws = StrictAws()
    with pytest.raises(RefusedError, match=reason):
        run(topology=default(), aws=aws, **options)
    assert aws.calls == []


def test_a_bad_topology_is_named_before_the_first_call():
    aws = StrictAws()
    with pytest.raises(InvalidInputError, match=r"queues\.order\.visibility_timeout"):
        run(topology={**default(), "queues": {"order": {"visibility_timeout": -1}}}, aws=aws)
    assert aws.calls == []


def test_what_is_said_for_all_is_for_each():
    done, _aws = run(profile(), profile(name="b", role="b", managed_policies=[]), managed_policy_arns=[BASE])
    assert all(BASE in item["policy_arns"] for item in done["instance_profiles"])


def test_the_role_is_complete_before_the_profile_gets_it():
    _done, aws = run(profile(managed_policy_arns=[BASE]))
    assert aws.writes == [
        "CreateRole",
        "CreatePolicy",
        "AttachRolePolicy",
        "AttachRolePolicy",
        "CreateInstanceProfile",
        "AddRoleToInstanceProfile",
    ]


RECEIVE = [{"name": "shop-policy", "document": document("sqs:ReceiveMessage")}]
INLINE = [{"name": "more", "document": document("sns:Publish")}]
TRUST_LAMBDA = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"},
    ],
}
TAG = ["TagRole", "TagPolicy", "TagInstanceProfile"]
UNTAG = ["UntagRole", "UntagPolicy", "UntagInstanceProfile"]
SWAP = ["RemoveRoleFromInstanceProfile", "AddRoleToInstanceProfile"]


@pytest.mark.parametrize(
    ("before", "after", "writes"),
    [
        ({}, {"managed_policies": RECEIVE}, ["CreatePolicyVersion"]),
        ({}, {"managed_policy_arns": [BASE]}, ["AttachRolePolicy"]),
        ({}, {"description": "Shop"}, ["UpdateRole"]),
        ({}, {"max_session_duration": 7200}, ["UpdateRole"]),
        ({}, {"assume_role_policy": TRUST_LAMBDA}, ["UpdateAssumeRolePolicy"]),
        ({}, {"permissions_boundary": BASE}, ["PutRolePermissionsBoundary"]),
        ({"permissions_boundary": BASE}, {"permissions_boundary": ""}, ["DeleteRolePermissionsBoundary"]),
        ({}, {"inline_policies": INLINE}, ["PutRolePolicy"]),
        ({"tags": {"a": "1"}}, {"tags": {"a": "2"}}, TAG),
        ({"tags": {"a": "1"}}, {"tags": {}}, UNTAG),
        ({}, {"role": "other-role"}, ["CreateRole", "AttachRolePolicy", *SWAP]),
    ],
)
def test_each_change_makes_its_own_calls_and_no_others(before, after, writes):
    run(profile(**before))
    grid_changes = profile(**{**before, **after})
    expected, aws = run(grid_changes, check_mode=True)
    assert aws.writes == []
    done, aws = run(grid_changes)
    assert aws.writes == writes
    assert expected == done
    _again, aws = run(grid_changes)
    assert aws.writes == []


def test_what_is_not_given_stays_as_it_is():
    run(profile(description="Shop", permissions_boundary=BASE, managed_policy_arns=[BASE], tags={"a": "1"}))
    done, aws = run(profile())
    assert aws.writes == []
    assert done["instance_profiles"][0]["policy_arns"] == sorted([BASE, POLICY_PREFIX + "shop-policy"])


def test_policies_that_nobody_wants_go_on_request():
    run(profile(managed_policy_arns=[BASE], inline_policies=[{"name": "more", "document": document("sns:Publish")}]))
    done = grid(profile(), purge_policies=True)
    assert done["instance_profiles"][0]["policy_arns"] == [POLICY_PREFIX + "shop-policy"]
    assert StrictAws().client("iam").list_role_policies(RoleName="shop-role")["PolicyNames"] == []


def test_a_policy_means_the_same_in_another_order_and_form():
    run(profile(managed_policies=[{"name": "shop-policy", "document": document("sqs:SendMessage", "sqs:GetQueueUrl")}]))
    other = {
        "Statement": {"Action": ["sqs:GetQueueUrl", "sqs:SendMessage"], "Resource": ["*"], "Effect": "Allow"},
        "Version": "2012-10-17",
    }
    _done, aws = run(profile(managed_policies=[{"name": "shop-policy", "document": other}]))
    assert aws.writes == []


def test_the_sixth_version_of_a_policy_takes_the_place_of_the_oldest():
    """IAM keeps five (reference_iam-quotas.html); moto enforces it with LimitExceeded."""
    for number in range(8):
        done, _aws = run(
            profile(managed_policies=[{"name": "shop-policy", "document": document(f"sqs:Action{number}")}])
        )
        assert done["changed"]
    versions = StrictAws().client("iam").list_policy_versions(PolicyArn=POLICY_PREFIX + "shop-policy")["Versions"]
    assert {(item["VersionId"], item["IsDefaultVersion"]) for item in versions} == {
        ("v8", True),
        ("v7", False),
        ("v6", False),
        ("v5", False),
        ("v4", False),
    }


def test_removal_goes_in_the_order_that_iam_asks_for():
    entry = profile(managed_policy_arns=[BASE], inline_policies=[{"name": "more", "document": document("sns:Publish")}])
    run(entry)
    run(profile(managed_policies=[{"name": "shop-policy", "document": document("sqs:ReceiveMessage")}]))
    name_only = profile(managed_policies=[{"name": "shop-policy"}])
    done = grid(name_only, state="absent")
    assert done["diff"]["after"] == ""
    iam = StrictAws().client("iam")
    assert iam.list_roles()["Roles"] == []
    assert iam.list_instance_profiles()["InstanceProfiles"] == []
    assert [policy["Arn"] for policy in iam.list_policies(Scope="Local")["Policies"]] == [BASE]


def test_removal_of_a_half_removed_profile_goes_on():
    run(profile())
    iam = StrictAws().client("iam")
    iam.remove_role_from_instance_profile(InstanceProfileName="shop-profile", RoleName="shop-role")
    iam.delete_instance_profile(InstanceProfileName="shop-profile")
    done, _aws = run(profile(), state="absent")
    assert done["changed"]
    assert iam.list_roles()["Roles"] == []


def test_a_creation_that_was_killed_is_finished():
    for operation in ("CreatePolicy", "AttachRolePolicy", "CreateInstanceProfile", "AddRoleToInstanceProfile"):
        aws = StrictAws()
        aws.refuse(operation, "ServiceFailure", "killed")
        with pytest.raises(ClientError):
            run(profile(), aws=aws)
    done, aws = run(profile())
    assert done["changed"]
    assert aws.writes == ["AddRoleToInstanceProfile"]


def test_a_profile_in_use_is_not_removed_unless_forced():
    run(profile())
    (instance_id,) = launch(IamInstanceProfile={"Name": "shop-profile"})
    aws = StrictAws()
    with pytest.raises(RefusedError, match=f"shop-profile is used by {instance_id}"):
        run(profile(), aws=aws, state="absent")
    assert aws.writes == []
    done, _aws = run(profile(), state="absent", force=True)
    assert done["changed"]


def test_a_shared_role_or_policy_is_not_removed():
    run(profile())
    iam = StrictAws().client("iam")
    iam.create_instance_profile(InstanceProfileName="other-profile")
    iam.add_role_to_instance_profile(InstanceProfileName="other-profile", RoleName="shop-role")
    iam.create_role(RoleName="other-role", AssumeRolePolicyDocument=json.dumps(document("sts:AssumeRole")))
    iam.attach_role_policy(RoleName="other-role", PolicyArn=POLICY_PREFIX + "shop-policy")
    aws = StrictAws()
    with pytest.raises(RefusedError) as caught:
        run(profile(), aws=aws, state="absent")
    assert "role shop-role is also in instance profile other-profile" in str(caught.value)
    assert "policy shop-policy is also attached to other-role" in str(caught.value)
    assert aws.writes == []


def test_a_missing_permission_to_read_is_never_taken_for_nothing_there():
    run(profile())
    for operation in ("GetRole", "GetInstanceProfile", "GetPolicy", "GetPolicyVersion", "ListAttachedRolePolicies"):
        aws = StrictAws()
        aws.refuse(operation, "AccessDenied", "User is not authorized")
        with pytest.raises(ClientError, match="AccessDenied"):
            run(profile(), aws=aws)
        assert aws.writes == []


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"name": "shop profile"}, "instance_profiles[0].name: 'shop profile' has other characters"),
        ({"name": "x" * 129}, "has 129 characters, above 128"),
        ({"role": "x" * 65}, "has 65 characters, above 64"),
        ({"managed_policies": [{"name": "p"}]}, "instance_profiles[0].managed_policies[0].document: is missing"),
        ({"managed_policies": [{"name": "p", "document": {"a": 1}}]}, "is no policy: it has no Statement"),
        ({"managed_policies": [{"name": "p", "document": document("x" * 6200)}]}, "above 6144; split the policy"),
        ({"inline_policies": [{"name": "p", "document": document("x" * 10240)}]}, "characters in all are above 10240"),
        (
            {"managed_policy_arns": ["AmazonBASE"]},
            "managed_policy_arns[0]: 'AmazonBASE' is not the ARN of an IAM policy",
        ),
        ({"max_session_duration": 60}, "max_session_duration: 60 is not within 3600 and 43200 seconds"),
        ({"tags": {"aws:name": "x"}}, "tags.aws:name: keys that begin with aws: are reserved"),
    ],
)
def test_bad_input_is_refused_with_its_path_before_any_call(change, error):
    aws = StrictAws()
    with pytest.raises(InvalidInputError) as caught:
        run(profile(**change), aws=aws)
    assert error in str(caught.value)
    assert aws.calls == []


def test_two_profiles_cannot_manage_the_same_role_or_policy():
    with pytest.raises(InvalidInputError) as caught:
        run(profile(), profile(name="second"))
    assert "shop-profile and second both want to manage role shop-role" in str(caught.value)
    assert "shop-profile and second both want to manage policy shop-policy" in str(caught.value)
