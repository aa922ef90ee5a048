# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps between an actual instance profile and the wanted one, and what is foretold of them."""

from __future__ import annotations

import copy
from operator import eq
from typing import Any

import pytest

from ansible_collections.ecommerce.sqs.plugins.module_utils._aws.steps import Step
from ansible_collections.ecommerce.sqs.plugins.module_utils._instance_profiles.plan import (
    describe,
    plan_absent,
    plan_present,
    predict,
    removal_problems,
)
from ansible_collections.ecommerce.sqs.plugins.module_utils._instance_profiles.wanted import Wanted
from ansible_collections.ecommerce.sqs.plugins.module_utils._topology.names import Place

PLACE = Place("eu-west-1", "123456789012", "aws")
PREFIX = "arn:aws:iam::123456789012:policy/"
BASE = "arn:aws:iam::aws:policy/Base"
BOUNDARY = PREFIX + "boundary"
TRUST, SEND, DRAIN = ({"Statement": [name]} for name in ("trust", "send", "drain"))
OTHER = {"Statement": ["other"]}


def wanted(**changes: Any) -> Wanted:
    given = {
        "description": "of the shop",
        "assume_role_policy": TRUST,
        "permissions_boundary": BOUNDARY,
        "max_session_duration": 7200,
        "managed_policies": {"shop-policy": SEND},
        "managed_policy_arns": [BASE],
        "inline_policies": {"drain": DRAIN},
        "tags": {"team": "shop"},
    }
    return Wanted("shop-profile", "shop-role", **{**given, **changes})


def actual() -> dict[str, Any]:
    """What there is once all of :func:`wanted` was done."""
    return {
        "profile": {"role": "shop-role", "tags": {"team": "shop"}},
        "role": {
            "description": "of the shop",
            "assume_role_policy": TRUST,
            "permissions_boundary": BOUNDARY,
            "max_session_duration": 7200,
            "tags": {"team": "shop"},
            "attached": [PREFIX + "shop-policy", BASE],
            "inline": {"drain": DRAIN},
            "other_profiles": [],
        },
        "policies": {"shop-policy": {"document": SEND, "tags": {"team": "shop"}, "other_roles": []}},
    }


def nothing() -> dict[str, Any]:
    return {"profile": None, "role": None, "policies": {"shop-policy": None}}


def steps_of(
    target: Wanted, found: dict[str, Any], *, purge_policies: bool = False, purge_tags: bool = True
) -> list[Step]:
    """The steps, after whose foretold effect none is left."""

    def plan(state: dict[str, Any]) -> list[Step]:
        return plan_present(
            target, state, place=PLACE, purge_policies=purge_policies, purge_tags=purge_tags, same_policy=eq
        )

    before = copy.deepcopy(found)
    steps = plan(found)
    after = predict(target, found, steps)
    assert found == before
    assert plan(after) == []
    return steps


def step(method: str, **arguments: Any) -> Step:
    return Step(method, arguments)


ATTACHED = [
    step("attach_policy", role="shop-role", arn=PREFIX + "shop-policy"),
    step("attach_policy", role="shop-role", arn=BASE),
]
NEW_PROFILE = [
    step("create_profile", name="shop-profile", tags={"team": "shop"}),
    step("add_role_to_profile", name="shop-profile", role="shop-role"),
]


class TestPresent:
    def test_what_is_not_there_is_made_role_first(self) -> None:
        assert steps_of(wanted(), nothing()) == [
            step(
                "create_role",
                name="shop-role",
                assume_role_policy=TRUST,
                description="of the shop",
                permissions_boundary=BOUNDARY,
                max_session_duration=7200,
                tags={"team": "shop"},
            ),
            step("create_policy", name="shop-policy", document=SEND, tags={"team": "shop"}),
            *ATTACHED,
            step("put_inline_policy", role="shop-role", name="drain", document=DRAIN),
            *NEW_PROFILE,
        ]

    def test_what_nobody_says_has_its_default(self) -> None:
        given = {"description": None, "permissions_boundary": None, "max_session_duration": None, "tags": None}
        role, policy, *_attached, profile, _role = steps_of(wanted(**given), nothing())
        assert role.arguments == {
            "name": "shop-role",
            "assume_role_policy": TRUST,
            "description": "",
            "permissions_boundary": None,
            "max_session_duration": 3600,
            "tags": {},
        }
        assert policy.arguments["tags"] == profile.arguments["tags"] == {}
        assert steps_of(wanted(permissions_boundary=""), nothing())[0].arguments["permissions_boundary"] is None

    def test_a_role_alone_has_no_profile(self) -> None:
        assert steps_of(wanted(with_profile=False), nothing())[-1].method == "put_inline_policy"

    def test_what_is_there_needs_nothing(self) -> None:
        assert steps_of(wanted(), actual()) == []
        assert steps_of(wanted(), actual(), purge_policies=True) == []

    def test_what_is_not_said_stays(self) -> None:
        given = {"description": None, "permissions_boundary": None, "max_session_duration": None, "tags": None}
        assert steps_of(wanted(**given), actual()) == []

    @pytest.mark.parametrize(
        ("change", "expected"),
        [
            ({"assume_role_policy": OTHER}, step("update_trust_policy", name="shop-role", document=OTHER)),
            (
                {"description": "x"},
                step("update_role", name="shop-role", description="x", max_session_duration=7200),
            ),
            (
                {"description": ""},
                step("update_role", name="shop-role", description="", max_session_duration=7200),
            ),
            (
                {"max_session_duration": 3600},
                step("update_role", name="shop-role", description="of the shop", max_session_duration=3600),
            ),
            (
                {"max_session_duration": 3600, "description": None},
                step("update_role", name="shop-role", description="of the shop", max_session_duration=3600),
            ),
            (
                {"description": "x", "max_session_duration": None},
                step("update_role", name="shop-role", description="x", max_session_duration=7200),
            ),
            ({"permissions_boundary": BASE}, step("set_permissions_boundary", name="shop-role", arn=BASE)),
            ({"permissions_boundary": ""}, step("set_permissions_boundary", name="shop-role", arn=None)),
            (
                {"managed_policies": {"shop-policy": OTHER}},
                step("update_policy", arn=PREFIX + "shop-policy", document=OTHER),
            ),
            (
                {"inline_policies": {"drain": OTHER}},
                step("put_inline_policy", role="shop-role", name="drain", document=OTHER),
            ),
            (
                {"inline_policies": {"drain": DRAIN, "more": SEND}},
                step("put_inline_policy", role="shop-role", name="more", document=SEND),
            ),
            (
                {"managed_policy_arns": [BASE, BOUNDARY]},
                step("attach_policy", role="shop-role", arn=BOUNDARY),
            ),
        ],
    )
    def test_each_change_is_one_step(self, change: dict[str, Any], expected: Step) -> None:
        assert steps_of(wanted(**change), actual()) == [expected]

    def test_a_missing_boundary_is_not_removed_again(self) -> None:
        found = actual()
        found["role"]["permissions_boundary"] = None
        assert steps_of(wanted(permissions_boundary=""), found) == []

    def test_tags_are_set_and_removed_on_all_three(self) -> None:
        places = [("role", "shop-role"), ("policy", PREFIX + "shop-policy"), ("profile", "shop-profile")]
        steps = steps_of(wanted(tags={"team": "x"}), actual())
        assert steps == [step("tag", kind=kind, identifier=name, tags={"team": "x"}) for kind, name in places]
        steps = steps_of(wanted(tags={}), actual())
        assert steps == [step("untag", kind=kind, identifier=name, keys=["team"]) for kind, name in places]
        assert steps_of(wanted(tags={}), actual(), purge_tags=False) == []
        assert [each.method for each in steps_of(wanted(tags={"a": "b"}), actual())] == ["tag", "untag"] * 3

    def test_policies_that_nobody_wants_go_on_request(self) -> None:
        found = actual()
        found["role"]["attached"] += ["arn:z", "arn:a"]
        found["role"]["inline"]["old"] = OTHER
        assert steps_of(wanted(), found) == []
        assert steps_of(wanted(), found, purge_policies=True) == [
            step("detach_policy", role="shop-role", arn="arn:a"),
            step("detach_policy", role="shop-role", arn="arn:z"),
            step("delete_inline_policy", role="shop-role", name="old"),
        ]

    @pytest.mark.parametrize("role", ["another", None])
    def test_a_profile_gets_its_role(self, role: str | None) -> None:
        found = actual()
        found["profile"]["role"] = role
        first = [step("remove_role_from_profile", name="shop-profile", role="another")] if role else []
        assert steps_of(wanted(), found) == [*first, NEW_PROFILE[1]]

    def test_a_policy_of_which_only_the_name_is_known_is_one_without_a_document(self) -> None:
        found = actual()
        found["policies"]["shop-policy"]["document"] = {}
        assert steps_of(wanted(managed_policies={"shop-policy": None}), found) == []

    def test_a_new_policy_does_not_end_the_plan(self) -> None:
        found = actual()
        found["policies"] = {"new": None, **found["policies"]}
        steps = steps_of(wanted(managed_policies={"new": SEND, "shop-policy": OTHER}), found)
        assert [each.method for each in steps] == ["create_policy", "update_policy", "attach_policy"]


class TestAbsent:
    def test_all_goes_in_the_order_that_iam_asks_for(self) -> None:
        steps = plan_absent(wanted(), actual(), place=PLACE)
        assert steps == [
            step("remove_role_from_profile", name="shop-profile", role="shop-role"),
            step("delete_profile", name="shop-profile"),
            step("detach_policy", role="shop-role", arn=PREFIX + "shop-policy"),
            step("detach_policy", role="shop-role", arn=BASE),
            step("delete_inline_policy", role="shop-role", name="drain"),
            step("delete_role", name="shop-role"),
            step("delete_policy", arn=PREFIX + "shop-policy"),
        ]
        assert predict(wanted(), actual(), steps) == nothing()

    def test_what_is_not_there_needs_nothing(self) -> None:
        assert plan_absent(wanted(), nothing(), place=PLACE) == []

    def test_a_profile_without_a_role(self) -> None:
        found = {**nothing(), "profile": {"role": None, "tags": {}}}
        assert plan_absent(wanted(), found, place=PLACE) == [step("delete_profile", name="shop-profile")]

    def test_it_takes_out_the_role_that_is_in(self) -> None:
        found = {**nothing(), "profile": {"role": "another", "tags": {}}}
        assert plan_absent(wanted(), found, place=PLACE)[0].arguments["role"] == "another"


class TestRemovalProblems:
    def test_there_are_none(self) -> None:
        assert removal_problems(wanted(), actual(), ["shop-profile"], []) == []
        assert removal_problems(wanted(), nothing(), [], []) == []

    def test_instances_that_use_it(self) -> None:
        (reason,) = removal_problems(wanted(), actual(), [], ["i-2", "i-1"])
        assert reason.startswith("instance profile shop-profile is used by i-1, i-2: ")

    def test_another_profile_with_the_role(self) -> None:
        found = actual()
        found["role"]["other_profiles"] = ["z", "a"]
        (reason,) = removal_problems(wanted(), found, ["shop-profile"], [])
        assert reason.startswith("role shop-role is also in instance profile a, z: ")
        (reason,) = removal_problems(wanted(), found, ["a"], [])
        assert reason.startswith("role shop-role is also in instance profile z: ")
        assert removal_problems(wanted(), found, ["a", "z"], []) == []

    def test_another_role_with_the_policy(self) -> None:
        found = actual()
        found["policies"]["shop-policy"]["other_roles"] = ["z", "shop-role", "a"]
        (reason,) = removal_problems(wanted(), found, [], [])
        assert reason.startswith("policy shop-policy is also attached to a, z: ")
        found["policies"]["shop-policy"]["other_roles"] = ["shop-role"]
        assert removal_problems(wanted(), found, [], []) == []


class TestDescription:
    def test_all_that_is_there_is_shown(self) -> None:
        found = actual()
        found["role"]["attached"].sort(reverse=True)
        shown = describe(found, PLACE)
        assert shown["instance_profile"] == {"role": "shop-role", "tags": {"team": "shop"}}
        assert shown["managed_policies"] == {
            PREFIX + "shop-policy": {"document": SEND, "tags": {"team": "shop"}},
        }
        role = {key: value for key, value in actual()["role"].items() if key != "other_profiles"}
        assert shown["role"] == {**role, "attached": sorted(role["attached"])}
        assert set(shown) == {"instance_profile", "role", "managed_policies"}

    def test_nothing_is_shown_of_nothing(self) -> None:
        assert describe(nothing(), PLACE) == {}

    def test_several_policies(self) -> None:
        policy = {"document": SEND, "tags": {}, "other_roles": []}
        found = {**nothing(), "policies": {"a": policy, "b": None, "c": policy}}
        assert list(describe(found, PLACE)["managed_policies"]) == [PREFIX + "a", PREFIX + "c"]


def test_a_new_role_and_policy_are_foretold_as_iam_makes_them() -> None:
    after = predict(wanted(), nothing(), steps_of(wanted(), nothing()))
    assert after == actual()
