# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scaling that a module is asked for is read, or refused with the path of each fault."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.ecommerce.sqs.plugins.module_utils._problems import InvalidInputError
from ansible_collections.ecommerce.sqs.plugins.module_utils._scaling.wanted import read_wanted
from ansible_collections.ecommerce.sqs.plugins.module_utils._topology.scaling import backlog_queries
from ansible_collections.ecommerce.sqs.tests.unit.support.entries import ASG, scaling_policy

NUMBER = st.none() | st.floats() | st.integers() | st.text(max_size=3) | st.booleans()


@settings(max_examples=500)
@given(
    st.lists(
        st.fixed_dictionaries(
            {"autoscaling_group": st.text(max_size=3), "name": st.text(max_size=2), "queue_name": st.text(max_size=3)},
            optional={
                "target_value": NUMBER,
                "acceptable_latency": NUMBER,
                "mean_processing_time": NUMBER,
                "concurrency": NUMBER,
                "drain": st.none() | st.fixed_dictionaries({"name": st.text(), "heartbeat_timeout": st.integers()}),
            },
        ),
        max_size=3,
    )
)
def test_any_input_is_read_or_refused_with_its_path(entries):
    try:
        found = read_wanted(entries)
    except InvalidInputError as error:
        assert all(line.startswith("scaling_policies[") for line in error.errors)
    else:
        policies = [made for item in found for made in item.policies.values()]
        assert all(0 < made["TargetTrackingConfiguration"]["TargetValue"] < 1e109 for made in policies)


def errors(*entries):
    with pytest.raises(InvalidInputError) as caught:
        read_wanted(entries)
    return caught.value.errors


def target_of(**changes):
    (group,) = read_wanted([scaling_policy(**changes)])
    (policy,) = group.policies.values()
    return policy["TargetTrackingConfiguration"]["TargetValue"]


PARTS = {"target_value": None, "acceptable_latency": 300, "mean_processing_time": 0.5, "concurrency": 10}


def test_a_policy_tracks_the_backlog_of_its_queue_for_each_instance():
    (group,) = read_wanted([scaling_policy()])
    assert group.group == ASG
    assert group.hooks == {}
    assert group.metrics == ("GroupInServiceInstances", "GroupDesiredCapacity")
    assert group.policies == {
        "backlog-per-instance": {
            "PolicyType": "TargetTrackingScaling",
            "TargetTrackingConfiguration": {
                "CustomizedMetricSpecification": {"Metrics": backlog_queries("ecommerce-order-queue", ASG)},
                "TargetValue": 100.0,
                "DisableScaleIn": False,
            },
        }
    }


def test_the_form_need_not_be_said():
    entry = scaling_policy()
    del entry["form"]
    assert read_wanted([entry]) == read_wanted([scaling_policy()])


def test_the_simple_form_tracks_the_depth_and_needs_no_metrics_of_the_group():
    (group,) = read_wanted([scaling_policy(form="queue_depth", disable_scale_in=True, estimated_instance_warmup=0)])
    assert group.metrics == ()
    assert group.policies["backlog-per-instance"] == {
        "PolicyType": "TargetTrackingScaling",
        "EstimatedInstanceWarmup": 0,
        "TargetTrackingConfiguration": {
            "CustomizedMetricSpecification": {
                "MetricName": "ApproximateNumberOfMessagesVisible",
                "Namespace": "AWS/SQS",
                "Dimensions": [{"Name": "QueueName", "Value": "ecommerce-order-queue"}],
                "Statistic": "Average",
            },
            "TargetValue": 100.0,
            "DisableScaleIn": True,
        },
    }


def test_policies_of_a_group_stand_together_in_the_order_given():
    found = read_wanted(
        [
            scaling_policy(name="a"),
            scaling_policy(autoscaling_group="other", form="queue_depth"),
            scaling_policy(name="b", form="queue_depth", drain={"name": "d", "heartbeat_timeout": 30}),
        ]
    )
    assert [(group.group, list(group.policies), list(group.hooks)) for group in found] == [
        (ASG, ["a", "b"], ["d"]),
        ("other", ["backlog-per-instance"], []),
    ]
    assert found[0].metrics
    assert not found[1].metrics


def test_the_target_may_follow_from_its_parts():
    assert target_of(**PARTS) == 6000.0
    assert target_of(target_value="12.5") == 12.5


@pytest.mark.parametrize("given", [{"target_value": None}, {**PARTS, "target_value": 1}, {"concurrency": 2}])
def test_a_target_is_given_once(given):
    (error,) = errors(scaling_policy(**given))
    assert error.startswith("scaling_policies[0]: set either target_value, or acceptable_latency, mean_processing_time")


@pytest.mark.parametrize("missing", ["acceptable_latency", "mean_processing_time", "concurrency"])
def test_no_part_may_be_missing(missing):
    (error,) = errors(scaling_policy(**{**PARTS, missing: None}))
    assert error.startswith("scaling_policies[0]: set either target_value, or")


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("value", [0, -1, "many", float("inf")])
def test_each_number_is_above_0(part, value):
    given = {"target_value": value} if part == "target_value" else {**PARTS, part: value}
    (error,) = errors(scaling_policy(**given))
    assert error.startswith(f"scaling_policies[0].{part}: ")
    assert error.endswith(" is not a number above 0")


@pytest.mark.parametrize("value", [8.515920e-109, 1.174271e108])
def test_targets_at_the_limits_are_accepted(value):
    assert target_of(target_value=value) == value


@pytest.mark.parametrize("value", [8.5e-109, 1.2e108])
def test_targets_beyond_them_are_not(value):
    (error,) = errors(scaling_policy(), scaling_policy(name="b", target_value=value))
    assert error.startswith(f"scaling_policies[1]: a target value of {value} is not within")


def test_a_fault_hides_no_other():
    found = errors(
        scaling_policy(name="a", target_value=0),
        scaling_policy(name="a", target_value=1e200, drain={"name": "d", "heartbeat_timeout": 29}),
        scaling_policy(name="b", drain={"name": "d", "heartbeat_timeout": 7201}),
    )
    assert [error.split(": ")[0] for error in found] == [
        "scaling_policies[0].target_value",
        "scaling_policies[1].name",
        "scaling_policies[1]",
        "scaling_policies[1].drain.heartbeat_timeout",
        "scaling_policies[2].drain.heartbeat_timeout",
        "scaling_policies[2].drain",
    ]
    assert "29 is not within 30 and 7200 seconds" in found[3]


@pytest.mark.parametrize("timeout", [30, 7200])
def test_a_hook_keeps_an_instance_until_it_is_done(timeout):
    (group,) = read_wanted([scaling_policy(drain={"name": "drain", "heartbeat_timeout": timeout})])
    assert group.hooks == {
        "drain": {
            "LifecycleTransition": "autoscaling:EC2_INSTANCE_TERMINATING",
            "HeartbeatTimeout": timeout,
            "DefaultResult": "CONTINUE",
        }
    }


def test_a_hook_may_give_up_instead():
    drain = {"name": "drain", "heartbeat_timeout": 30, "default_result": "ABANDON"}
    (group,) = read_wanted([scaling_policy(drain=drain), scaling_policy(name="b", drain=drain)])
    assert group.hooks["drain"]["DefaultResult"] == "ABANDON"
    (error,) = errors(
        scaling_policy(drain=drain), scaling_policy(name="b", drain={**drain, "default_result": "CONTINUE"})
    )
    assert error == "scaling_policies[1].drain: payment-service-asg is given another hook drain already"
