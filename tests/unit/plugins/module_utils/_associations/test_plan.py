# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of instances: they reach what is wanted and leave the profiles of others alone."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ecommerce.sqs.plugins.module_utils._associations.plan import plan, predict
from ansible_collections.ecommerce.sqs.plugins.module_utils._associations.wanted import read_wanted
from ansible_collections.ecommerce.sqs.plugins.module_utils._problems import InvalidInputError

NAMES = st.sampled_from(["ours-a", "ours-b", "stranger"])
INSTANCE = st.fixed_dictionaries(
    {
        "state": st.sampled_from(["running", "stopped", "terminated"]),
        "profile": st.none() | NAMES,
        "association_id": st.just("iip-assoc-1"),
        "http_tokens": st.sampled_from(["optional", "required"]),
        "hop_limit": st.integers(1, 3),
    }
)
IDS = [f"i-0000000{number}" for number in range(4)]


@given(
    st.dictionaries(st.sampled_from(IDS), INSTANCE),
    st.dictionaries(st.sampled_from(IDS), NAMES),
    st.booleans(),
    st.none() | st.integers(1, 3),
)
def test_a_plan_reaches_its_goal_and_never_touches_a_stranger(actual, associations, require, hop_limit):
    entries = [{"instance_id": key, "instance_profile": value} for key, value in associations.items()]
    wanted = read_wanted(entries, absent=False)
    settings = {"replaceable": ["ours-*"], "require_imdsv2": require, "hop_limit": hop_limit}
    try:
        steps = plan(wanted, actual, **settings)
    except InvalidInputError as error:
        named = {line.partition(":")[0] for line in error.errors}
        assert named == {
            key
            for key, value in associations.items()
            if key not in actual
            or actual[key]["state"] == "terminated"
            or (actual[key]["profile"] == "stranger" and value != "stranger")
        }
        return
    after = predict(actual, steps)
    assert {key: after[key]["profile"] for key in associations} == associations
    assert plan(wanted, after, **settings) == []
    assert {key: value for key, value in after.items() if key not in associations} == {
        key: value for key, value in actual.items() if key not in associations
    }
