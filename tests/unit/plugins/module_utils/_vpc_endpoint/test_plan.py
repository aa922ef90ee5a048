# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of an endpoint: they reach what is wanted and leave what is unset."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ecommerce.sqs.plugins.module_utils._aws.documents import same_policy
from ansible_collections.ecommerce.sqs.plugins.module_utils._vpc_endpoint.plan import plan_present, predict
from ansible_collections.ecommerce.sqs.plugins.module_utils._vpc_endpoint.wanted import Wanted

LISTS = st.none() | st.lists(st.sampled_from(["a", "b", "c"]), unique=True, min_size=1)
TAGS = st.dictionaries(st.sampled_from(["a", "b"]), st.sampled_from(["1", "2"]))
ENDPOINT = st.fixed_dictionaries(
    {
        "id": st.just("vpce-1"),
        "state": st.just("available"),
        "subnets": LISTS.map(lambda ids: sorted(ids or [])),
        "security_groups": LISTS.map(lambda ids: sorted(ids or [])),
        "private_dns": st.booleans(),
        "policy": st.just({"Statement": []}),
        "tags": TAGS,
    }
)


@given(st.none() | ENDPOINT, LISTS, LISTS, st.none() | st.booleans(), st.none() | TAGS)
def test_a_plan_reaches_its_goal_and_leaves_what_is_unset(actual, subnets, groups, dns, tags):
    wanted = replace(
        Wanted("vpc-1", "sqs"), subnets=subnets, security_groups=groups, private_dns=dns, tags=tags, policy=None
    )
    after = predict(wanted, actual, plan_present(wanted, actual, purge_tags=True, same_policy=same_policy))
    assert plan_present(wanted, {**after, "id": "vpce-1"}, purge_tags=True, same_policy=same_policy) == []
    if actual is not None:
        assert after["policy"] == actual["policy"]
        assert subnets is not None or after["subnets"] == actual["subnets"]
