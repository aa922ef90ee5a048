# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""The instance profiles that a module is asked for are read, or refused with the path of each fault."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.ecommerce.sqs.plugins.module_utils._instance_profiles.wanted import (
    Wanted,
    read_parameters,
    read_wanted,
)
from ansible_collections.ecommerce.sqs.plugins.module_utils._problems import InvalidInputError, RefusedError
from ansible_collections.ecommerce.sqs.plugins.module_utils._topology.expand import expand
from ansible_collections.ecommerce.sqs.plugins.module_utils._topology.names import Place
from ansible_collections.ecommerce.sqs.tests.unit.support.topologies import default


def document(*actions):
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]}


TEXT = st.text(max_size=140)
NAMED = st.fixed_dictionaries(
    {"name": TEXT},
    optional={"document": st.none() | st.dictionaries(st.sampled_from(["Statement", "Version"]), TEXT)},
)
ENTRY = st.fixed_dictionaries(
    {"name": TEXT},
    optional={
        "role": st.none() | TEXT,
        "managed_policies": st.lists(NAMED, max_size=2),
        "inline_policies": st.lists(NAMED, max_size=2),
        "managed_policy_arns": st.lists(TEXT, max_size=2),
        "permissions_boundary": st.none() | TEXT,
        "max_session_duration": st.none() | st.integers(),
        "tags": st.none() | st.dictionaries(TEXT, TEXT, max_size=2),
    },
)


@settings(max_examples=500)
@given(st.lists(ENTRY, max_size=3), st.booleans())
def test_any_input_is_read_or_refused_with_reasons(entries, absent):
    try:
        found = read_wanted(entries, trust_policy=document("sts:AssumeRole"), absent=absent)
    except InvalidInputError as error:
        assert error.errors
        assert all(line.startswith("instance_profiles") for line in error.errors)
    else:
        assert [item.name for item in found] == [entry["name"] for entry in entries]


TRUST = document("sts:AssumeRole")
POLICY = {"name": "shop-policy", "document": document("sqs:SendMessage")}
BASE = "arn:aws:iam::aws:policy/service-role/Base"
OWN = "arn:aws-us-gov:iam::123456789012:policy/x"


def read(*entries, **options):
    return read_wanted(entries, trust_policy=TRUST, **options)


def errors(*entries, **options):
    with pytest.raises(InvalidInputError) as caught:
        read(*entries, **options)
    return caught.value.errors


def error(**entry):
    (only,) = errors({"name": "shop", **entry})
    return only


def sized(length):
    """A policy document of so many characters without white space."""
    bare = len("".join(json.dumps({"Statement": [""]}).split()))
    return {"Statement": ["x" * (length - bare)]}


def test_what_is_not_given_has_its_default():
    (found,) = read({"name": "shop"})
    assert found == Wanted(name="shop", role="shop", assume_role_policy=TRUST)
    assert found.with_profile
    assert found.tags is None


def test_what_is_given_is_read():
    (found,) = read(
        {
            "name": "shop",
            "role": "shop-role",
            "description": "text",
            "assume_role_policy": document("sts:TagSession"),
            "permissions_boundary": OWN,
            "max_session_duration": 3600,
            "managed_policies": [POLICY],
            "managed_policy_arns": [BASE],
            "inline_policies": [{"name": "drain", "document": document("a:b")}],
            "tags": {"n": 1},
            "with_profile": False,
        }
    )
    assert found == Wanted(
        name="shop",
        role="shop-role",
        description="text",
        assume_role_policy=document("sts:TagSession"),
        permissions_boundary=OWN,
        max_session_duration=3600,
        managed_policies={"shop-policy": POLICY["document"]},
        managed_policy_arns=[BASE],
        inline_policies={"drain": document("a:b")},
        tags={"n": "1"},
        with_profile=False,
    )


def test_tags_of_an_entry_come_on_top_of_those_of_all():
    one, other = read({"name": "a", "tags": {"x": "2", "z": 3}}, {"name": "b"}, tags={"x": "1", "y": "1"})
    assert one.tags == {"x": "2", "y": "1", "z": "3"}
    assert other.tags == {"x": "1", "y": "1"}
    assert read({"name": "a"}, tags={})[0].tags == {}
    assert read({"name": "a", "tags": {}})[0].tags == {}


def test_all_faults_are_told_with_their_paths():
    found = errors(
        {"name": "a b", "managed_policies": [POLICY, {"name": "x y", "document": {}}]},
        {"name": "b", "role": "", "tags": {"aws:x": "1"}, "managed_policy_arns": [BASE, "x"]},
        {"name": "c", "role": "r s", "assume_role_policy": {"Version": "x"}, "permissions_boundary": "x"},
    )
    assert [text.split(": ")[0] for text in found] == [
        "instance_profiles[0].managed_policies[1].name",
        "instance_profiles[0].managed_policies[1].document",
        "instance_profiles[0].name",
        "instance_profiles[0].role",
        "instance_profiles[1].managed_policy_arns[1]",
        "instance_profiles[1].tags.aws:x",
        "instance_profiles[2].role",
        "instance_profiles[2].assume_role_policy",
        "instance_profiles[2].permissions_boundary",
    ]


@pytest.mark.parametrize(("key", "limit"), [("name", 128), ("role", 64), ("policy", 128)])
def test_names_at_the_limit_are_accepted_and_longer_ones_are_not(key, limit):
    def entry(length):
        name = "n" * length
        if key == "policy":
            return {"name": "shop", "inline_policies": [{**POLICY, "name": name}]}
        return {"name": "shop", "role": "shop", key: name}

    assert read(entry(limit))
    (text,) = errors(entry(limit + 1))
    assert text.endswith(f"has {limit + 1} characters, above {limit}")


@pytest.mark.parametrize("name", ["a_b+c=d,e.f@g-h", "9"])
def test_names_of_the_characters_that_iam_takes(name):
    assert read({"name": name})[0].name == name


def test_policies_at_their_limits_are_accepted_and_larger_ones_are_not():
    def managed(length):
        return {"managed_policies": [{"name": "p", "document": sized(length)}]}

    def inline(*lengths):
        return {
            "inline_policies": [{"name": f"p{number}", "document": sized(item)} for number, item in enumerate(lengths)]
        }

    assert read({"name": "shop", **managed(6144)})
    text = error(**managed(6145))
    assert text.startswith("instance_profiles[0].managed_policies[0].document: 6145 characters are above 6144")
    assert read({"name": "shop", **inline(5000, 5240)})
    assert error(**inline(5000, 5241)) == (
        "instance_profiles[0].inline_policies: 10241 characters in all are above 10240"
    )
    assert read({"name": "shop", "managed_policies": [{"name": name, "document": sized(6144)} for name in "ab"]})


def test_white_space_does_not_count():
    spaced = {"Statement": ["x " * 3000]}
    assert read({"name": "shop", "managed_policies": [{"name": "p", "document": spaced}]})


@pytest.mark.parametrize("kind", ["managed_policies", "inline_policies"])
def test_a_policy_says_what_it_allows(kind):
    assert error(**{kind: [{"name": "p"}, POLICY]}).startswith(f"instance_profiles[0].{kind}[0].document: is missing")
    assert error(**{kind: [{"name": "p", "document": {"Version": "x"}}]}).startswith(
        f"instance_profiles[0].{kind}[0].document: is no policy"
    )
    twice = error(**{kind: [POLICY, POLICY]})
    assert twice == f"instance_profiles[0].{kind}[1].name: 'shop-policy' is listed twice"


def test_what_is_to_go_needs_no_documents():
    names = {"managed_policies": [{"name": "a"}, POLICY], "inline_policies": [{"name": "b", "document": None}]}
    (found,) = read({"name": "shop", **names}, absent=True)
    assert found.managed_policies == {"a": None, "shop-policy": POLICY["document"]}
    assert found.inline_policies == {"b": {}}


@pytest.mark.parametrize("duration", [3600, 43200])
def test_sessions_may_last_from_one_to_twelve_hours(duration):
    assert read({"name": "shop", "max_session_duration": duration})
    beyond = duration + (1 if duration > 3600 else -1)
    assert error(max_session_duration=beyond) == (
        f"instance_profiles[0].max_session_duration: {beyond} is not within 3600 and 43200 seconds"
    )


def test_a_description_has_at_most_1000_characters():
    assert read({"name": "shop", "description": "x" * 1000})
    assert error(description="x" * 1001) == "instance_profiles[0].description: 1001 characters are above 1000"


@pytest.mark.parametrize("tags", [{"k" * 128: "v" * 256}, {f"k{number}": "" for number in range(50)}])
def test_tags_at_the_limits_are_accepted(tags):
    assert read({"name": "shop", "tags": tags})[0].tags == tags


@pytest.mark.parametrize(
    "tags", [{"": "v"}, {"k" * 129: "v"}, {"k": "v" * 257}, {"AWS:k": "v"}, {f"k{number}": "" for number in range(51)}]
)
def test_tags_beyond_them_are_not(tags):
    assert error(tags=tags).startswith("instance_profiles[0].tags")


@pytest.mark.parametrize("arn", ["x", "arn:aws:iam::12:policy/x", "arn:aws:iam::aws:policy/", f"{BASE}".upper()])
def test_the_arn_of_something_else_is_refused(arn):
    assert error(managed_policy_arns=[arn]).startswith(f"instance_profiles[0].managed_policy_arns[0]: '{arn}' is not")
    assert error(permissions_boundary=arn).startswith(f"instance_profiles[0].permissions_boundary: '{arn}' is not")


def test_an_empty_boundary_takes_one_away():
    assert read({"name": "shop", "permissions_boundary": ""})[0].permissions_boundary == ""


def test_each_role_and_each_policy_has_one_owner():
    assert errors({"name": "a"}, {"name": "a"}) == ["instance_profiles: a is listed twice"]
    shared = {"role": "r", "managed_policies": [POLICY]}
    assert errors({"name": "a", **shared}, {"name": "b", **shared}) == [
        "instance_profiles: a and b both want to manage role r",
        "instance_profiles: a and b both want to manage policy shop-policy",
    ]
    assert read({"name": "shop-policy", "managed_policies": [POLICY]})


PLACE = Place("ap-southeast-1", "123456789012", "aws")


def parameters(**changes):
    return {
        "instance_profiles": [],
        "autoscaling_groups": None,
        "operator_principals": [],
        "services": [],
        "managed_policy_arns": [],
        "permissions_boundary": None,
        "tags": None,
        "state": "present",
        **changes,
    }


def of_topology(**changes):
    expanded = expand(default(), region=PLACE.region)
    return {wanted.name: wanted for wanted in read_parameters(parameters(**changes), expanded, PLACE)}


def test_profiles_of_a_topology_are_those_of_its_services():
    found = of_topology()
    assert list(found) == [f"ecommerce-{name}-instance-profile" for name in ("order", "payment", "notification")]
    payment = found["ecommerce-payment-instance-profile"]
    assert payment.role == "ecommerce-payment-role"
    assert payment.assume_role_policy["Statement"][0]["Principal"] == {"Service": "ec2.amazonaws.com"}
    assert list(payment.managed_policies) == ["ecommerce-payment-sqs-policy"]
    text = json.dumps(payment.managed_policies)
    assert "arn:aws:sqs:ap-southeast-1:123456789012:ecommerce-order-queue" in text
    assert (payment.inline_policies, payment.managed_policy_arns, payment.tags) == ({}, [], None)


@pytest.mark.parametrize("groups", ["payment-asg", ["payment-asg"]])
def test_instances_of_a_group_may_finish_their_drain(groups):
    found = of_topology(autoscaling_groups={"payment": groups})
    text = json.dumps(found["ecommerce-payment-instance-profile"].inline_policies["drain"])
    assert "autoScalingGroupName/payment-asg" in text
    assert found["ecommerce-order-instance-profile"].inline_policies == {}


def test_chosen_services_have_theirs_alone():
    users = [f"arn:aws:iam::{PLACE.account_id}:user/ann"]
    assert list(of_topology(services=["notification", "order"], operator_principals=users)) == [
        "ecommerce-order-instance-profile",
        "ecommerce-notification-instance-profile",
    ]
    everybody = of_topology(operator_principals=users)
    assert not everybody["ecommerce-redrive-role"].with_profile
    assert len(everybody) == 4


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        (
            {"services": ["x", "order", "w"]},
            "services: the topology has no service w, x; declared are order, payment, notification",
        ),
        ({"operator_principals": ["*"]}, "an operator's role needs the ARNs"),
        ({"autoscaling_groups": {"x": "asg"}}, "autoscaling_groups: there is no service x"),
    ],
)
def test_what_a_topology_does_not_have_is_refused(changes, error):
    with pytest.raises(RefusedError) as caught:
        of_topology(**changes)
    assert str(caught.value).startswith(error)


def test_what_is_said_for_all_is_for_each():
    own = "arn:aws:iam::123456789012:policy/own"
    entries = [
        {"name": "a", "managed_policy_arns": [OWN], "permissions_boundary": own},
        {"name": "b", "managed_policy_arns": None, "tags": {"y": "2"}},
    ]
    common = {"managed_policy_arns": [BASE], "permissions_boundary": BASE, "tags": {"x": "1"}}
    one, other = read_parameters(parameters(instance_profiles=entries, **common), None, PLACE)
    assert (one.managed_policy_arns, one.permissions_boundary, one.tags) == ([BASE, OWN], own, {"x": "1"})
    assert (other.managed_policy_arns, other.permissions_boundary) == ([BASE], BASE)
    assert other.tags == {"x": "1", "y": "2"}
    (chinese,) = read_parameters(
        parameters(instance_profiles=entries[:1]), None, Place("cn-north-1", "1" * 12, "aws-cn")
    )
    assert chinese.assume_role_policy["Statement"][0]["Principal"] == {"Service": "ec2.amazonaws.com.cn"}


def test_documents_may_be_missing_of_what_is_to_go():
    entries = [{"name": "a", "managed_policies": [{"name": "p"}]}]
    assert read_parameters(parameters(instance_profiles=entries, state="absent"), None, PLACE)
    with pytest.raises(InvalidInputError):
        read_parameters(parameters(instance_profiles=entries), None, PLACE)
