# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scaling policies of a topology: one for each queue that a service consumes."""

from __future__ import annotations

import pytest

from ansible_collections.ecommerce.sqs.plugins.module_utils._problems import InvalidInputError
from ansible_collections.ecommerce.sqs.plugins.module_utils._topology.expand import expand
from ansible_collections.ecommerce.sqs.plugins.module_utils._topology.scaling import scaling_policies
from ansible_collections.ecommerce.sqs.tests.unit.support.entries import ASG
from ansible_collections.ecommerce.sqs.tests.unit.support.strict_aws import REGION
from ansible_collections.ecommerce.sqs.tests.unit.support.topologies import default


def test_a_topology_gives_one_policy_for_each_queue_that_a_service_consumes():
    topology = expand(default(), region=REGION)
    (entry,) = scaling_policies(topology, {"payment": {"autoscaling_group": ASG, "target_value": 100}})
    assert entry["queue_name"] == "ecommerce-order-queue"
    assert entry["name"] == "backlog-per-instance"
    stop_timeout = topology["services"]["payment"]["workers"][0]["stop_timeout"]
    assert entry["drain"] == {"heartbeat_timeout": stop_timeout}
    declared = default()
    declared["services"]["payment"] = {"consumes": ["order", "notification"], "produces": ["payment"]}
    entries = scaling_policies(
        expand(declared, region=REGION), {"payment": {"autoscaling_group": ASG, "form": "queue_depth"}}
    )
    assert [entry["name"] for entry in entries] == [
        "order-scale-up-on-queue-depth",
        "notification-scale-up-on-queue-depth",
    ]


@pytest.mark.parametrize(
    ("groups", "error"),
    [
        ({"paiment": {"autoscaling_group": ASG}}, "groups.paiment: there is no such service"),
        ({"payment": ASG}, "groups.payment: 'payment-service-asg' has to be a mapping with autoscaling_group"),
        ({"shop": {"autoscaling_group": ASG}}, "groups.shop: the service consumes no queue"),
    ],
)
def test_a_group_that_cannot_scale_is_named(groups, error):
    declared = default()
    declared["services"]["shop"] = {"produces": ["order"]}
    with pytest.raises(InvalidInputError) as caught:
        scaling_policies(expand(declared, region=REGION), groups)
    assert error in str(caught.value)
