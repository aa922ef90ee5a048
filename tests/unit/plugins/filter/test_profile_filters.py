# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters with which playbooks bring instance profiles and scaling policies to hosts and groups."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.ecommerce.sqs.plugins.filter.host_profiles import FilterModule as HostProfiles
from ansible_collections.ecommerce.sqs.plugins.filter.instance_profiles import FilterModule as InstanceProfiles
from ansible_collections.ecommerce.sqs.plugins.filter.scaling_policies import FilterModule as ScalingPolicies
from ansible_collections.ecommerce.sqs.plugins.module_utils._topology.expand import expand
from ansible_collections.ecommerce.sqs.tests.unit.support.topologies import default

PLACE = {"region": "ap-southeast-1", "account_id": "123456789012"}
GROUPS = {"order": ["a"], "payment": ["b", "c"], "notification": [], "service_hosts": ["a", "b", "c", "bare"]}

host_profiles = HostProfiles().filters()["host_profiles"]
instance_profiles = InstanceProfiles().filters()["instance_profiles"]
scaling_policies = ScalingPolicies().filters()["scaling_policies"]


def services(**changes):
    return {
        name: {
            "instance_profile_name": service["instance_profile_name"],
            "instance_profile_arn": f"arn:{service['instance_profile_name']}",
        }
        for name, service in expand({**default(), **changes}, **PLACE)["services"].items()
    }


def test_a_host_gets_the_profile_of_the_service_whose_group_it_is_in():
    found = host_profiles(GROUPS["service_hosts"], services=services(), groups=GROUPS)
    assert {host: profile["instance_profile_name"] for host, profile in found.items()} == {
        "a": "ecommerce-order-instance-profile",
        "b": "ecommerce-payment-instance-profile",
        "c": "ecommerce-payment-instance-profile",
    }


def test_a_host_that_needs_two_profiles_is_an_error_with_both_ways_out():
    both = {**GROUPS, "order": ["a", "b"]}
    with pytest.raises(AnsibleFilterError) as caught:
        host_profiles(["a", "b"], services=services(), groups=both)
    assert "b: runs order, payment, which have the instance profiles" in str(caught.value)
    assert "shared_instance_profile: true" in str(caught.value)
    shared = host_profiles(["b"], services=services(shared_instance_profile=True), groups=both)
    assert shared["b"]["services"] == ["order", "payment"]


def test_instance_profiles_want_a_topology_with_an_account():
    assert len(instance_profiles(expand(default(), **PLACE))) == 3
    for wrong in (expand(default(), region="ap-southeast-1"), default(), "topology"):
        with pytest.raises(AnsibleFilterError, match="wants an expanded topology with an account"):
            instance_profiles(wrong)


def test_scaling_policies_tell_what_is_wrong_with_topology_and_groups():
    groups = {"payment": {"autoscaling_group": "payment-service-asg", "target_value": 100}}
    assert (
        scaling_policies(default(), region="ap-southeast-1", groups=groups)[0]["queue_name"] == "ecommerce-order-queue"
    )
    with pytest.raises(AnsibleFilterError, match="there is no such service"):
        scaling_policies(default(), region="ap-southeast-1", groups={"x": {"autoscaling_group": "y"}})
    with pytest.raises(AnsibleFilterError, match="is not a region"):
        scaling_policies(default(), region="", groups=groups)
