# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module scaling_policy: create, modify, delete x check mode, real, repeated; what is tracked."""

from __future__ import annotations

import copy

import botocore.session
import pytest
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator
from hypothesis import given, settings
from hypothesis import strategies as st
from moto import mock_aws

from ansible_collections.ecommerce.sqs.plugins.module_utils._problems import InvalidInputError, RefusedError
from ansible_collections.ecommerce.sqs.plugins.module_utils._scaling.plan import (
    normalise,
    plan_present,
    read_wanted,
)
from ansible_collections.ecommerce.sqs.plugins.module_utils._scaling.reconcile import reconcile
from ansible_collections.ecommerce.sqs.plugins.module_utils._topology.expand import expand
from ansible_collections.ecommerce.sqs.plugins.module_utils._topology.scaling import scaling_policies
from ansible_collections.ecommerce.sqs.tests.unit.support.strict_aws import REGION, StrictAws
from ansible_collections.ecommerce.sqs.tests.unit.support.topologies import default

GROUP = "payment-service-asg"


@pytest.fixture(autouse=True)
def _moto():
    with mock_aws():
        client = StrictAws().client("autoscaling")
        client.create_launch_configuration(
            LaunchConfigurationName="lc", ImageId="ami-12c6146b", InstanceType="t3.small"
        )
        client.create_auto_scaling_group(
            AutoScalingGroupName=GROUP,
            LaunchConfigurationName="lc",
            MinSize=0,
            MaxSize=2,
            AvailabilityZones=["ap-southeast-1a"],
        )
        yield


def policy(**changes):
    return {
        "autoscaling_group": GROUP,
        "name": "backlog-per-instance",
        "queue_name": "ecommerce-order-queue",
        "form": "backlog_per_instance",
        "target_value": 100.0,
        "acceptable_latency": None,
        "mean_processing_time": None,
        "concurrency": None,
        "disable_scale_in": False,
        "estimated_instance_warmup": None,
        "drain": None,
        **changes,
    }


def run(*policies, aws=None, check_mode=False, state="present"):
    aws = aws or StrictAws()
    parameters = {"scaling_policies": list(policies), "state": state}
    aws.check_mode = check_mode
    return reconcile(copy.deepcopy(parameters), aws), aws


def grid(writes, *policies, **changes):
    expected, aws = run(*policies, check_mode=True, **changes)
    assert aws.writes == []
    done, aws = run(*policies, **changes)
    assert aws.writes == writes
    assert expected == done
    again, aws = run(*policies, **changes)
    assert aws.writes == []
    assert not again["changed"]
    assert again["diff"]["before"] == again["diff"]["after"]
    return done


def there():
    return StrictAws().client("autoscaling").describe_policies(AutoScalingGroupName=GROUP)["ScalingPolicies"]


DRAIN = {"name": "drain", "heartbeat_timeout": 330, "default_result": "CONTINUE"}


def test_metrics_come_first_and_then_hook_and_policy():
    grid(["EnableMetricsCollection", "PutLifecycleHook", "PutScalingPolicy"], policy(drain=DRAIN))
    (made,) = there()
    tracking = made["TargetTrackingConfiguration"]
    assert tracking["TargetValue"] == 100
    queries = {query["Id"]: query for query in tracking["CustomizedMetricSpecification"]["Metrics"]}
    assert [name for name, query in queries.items() if query["ReturnData"]] == ["backlog"]
    assert queries["instances"]["MetricStat"]["Metric"]["Dimensions"][0]["Value"] == GROUP


def test_the_simple_form_tracks_the_depth_of_the_queue():
    grid(["PutScalingPolicy"], policy(name="scale-up-on-queue-depth", form="queue_depth", target_value=50))
    (made,) = there()
    metric = made["TargetTrackingConfiguration"]["CustomizedMetricSpecification"]
    assert metric["MetricName"] == "ApproximateNumberOfMessagesVisible"
    assert metric["Statistic"] == "Average"
    assert metric["Dimensions"] == [{"Name": "QueueName", "Value": "ecommerce-order-queue"}]


@pytest.mark.parametrize(
    ("change", "write"),
    [
        ({"target_value": 7}, "PutScalingPolicy"),
        ({"disable_scale_in": True}, "PutScalingPolicy"),
        ({"queue_name": "other"}, "PutScalingPolicy"),
        ({"form": "queue_depth"}, "PutScalingPolicy"),
        ({"estimated_instance_warmup": 120}, "PutScalingPolicy"),
        ({"drain": {**DRAIN, "heartbeat_timeout": 600}}, "PutLifecycleHook"),
    ],
)
def test_each_change_makes_its_own_call(change, write):
    run(policy(drain=DRAIN))
    grid([write], policy(**{"drain": DRAIN, **change}))


def test_removal_leaves_the_metrics_to_others():
    run(policy(drain=DRAIN))
    grid(["DeletePolicy", "DeleteLifecycleHook"], policy(drain=DRAIN), state="absent")
    assert there() == []


def test_the_target_follows_from_latency_time_and_concurrency():
    done, _aws = run(policy(target_value=None, acceptable_latency=300, mean_processing_time=0.5, concurrency=10))
    assert done["groups"][0]["target_values"] == {"backlog-per-instance": 6000.0}


def test_a_group_that_is_not_there_is_named_but_does_not_fail_a_check():
    missing = policy(autoscaling_group="nobody")
    aws = StrictAws()
    with pytest.raises(RefusedError, match="there is no auto-scaling group nobody"):
        run(missing, aws=aws)
    assert aws.writes == []
    done, _aws = run(missing, check_mode=True)
    assert done["changed"]
    assert not run(missing, state="absent")[0]["changed"]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"target_value": None}, "scaling_policies[0]: set either target_value, or acceptable_latency, mean_"),
        ({"concurrency": 2}, "scaling_policies[0]: set either target_value, or"),
        (
            {
                "target_value": None,
                "acceptable_latency": 1e300,
                "mean_processing_time": 1e-300,
                "concurrency": 1,
            },
            "scaling_policies[0]: a target value of inf is not within",
        ),
        ({"target_value": 0}, "scaling_policies[0].target_value: 0 is not a number above 0"),
        ({"drain": {**DRAIN, "heartbeat_timeout": 29}}, "drain.heartbeat_timeout: 29 is not within 30 and 7200"),
    ],
)
def test_bad_input_is_named_before_any_call(change, error):
    aws = StrictAws()
    with pytest.raises(InvalidInputError) as caught:
        run(policy(**change), aws=aws)
    assert error in str(caught.value)
    assert aws.calls == []


def test_a_policy_or_a_hook_given_twice_is_named():
    with pytest.raises(InvalidInputError) as caught:
        run(policy(drain=DRAIN), policy(drain={**DRAIN, "heartbeat_timeout": 60}))
    assert "'backlog-per-instance' is given twice for payment-service-asg" in str(caught.value)
    assert "payment-service-asg is given another hook drain already" in str(caught.value)


@pytest.mark.parametrize("operation", ["DescribeAutoScalingGroups", "DescribePolicies", "DescribeLifecycleHooks"])
def test_a_missing_permission_to_read_is_an_error(operation):
    aws = StrictAws()
    aws.refuse(operation, "AccessDenied", "User is not authorized")
    with pytest.raises(ClientError, match="AccessDenied"):
        run(policy(), aws=aws)
    assert aws.writes == []


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


@given(
    st.sampled_from(["backlog_per_instance", "queue_depth"]),
    st.floats(min_value=0.01, max_value=1e6),
    st.booleans(),
    st.none() | st.integers(0, 3600),
)
def test_every_policy_is_one_that_autoscaling_would_take(form, target, disable, warmup):
    changes = {"form": form, "target_value": target, "disable_scale_in": disable}
    (wanted,) = read_wanted([policy(estimated_instance_warmup=warmup, **changes)])
    model = botocore.session.get_session().get_service_model("autoscaling").operation_model("PutScalingPolicy")
    for name, made in wanted.policies.items():
        call = {"AutoScalingGroupName": wanted.group, "PolicyName": name, **made}
        assert not ParamValidator().validate(call, model.input_shape).has_errors()
        actual = {"metrics": dict.fromkeys(wanted.metrics, "1Minute"), "policies": {name: made}, "hooks": {}}
        assert plan_present(wanted, actual) == []
        assert normalise(made) == normalise(copy.deepcopy(made))


def test_a_topology_gives_one_policy_for_each_queue_that_a_service_consumes():
    topology = expand(default(), region=REGION)
    (entry,) = scaling_policies(topology, {"payment": {"autoscaling_group": GROUP, "target_value": 100}})
    assert entry["queue_name"] == "ecommerce-order-queue"
    assert entry["name"] == "backlog-per-instance"
    stop_timeout = topology["services"]["payment"]["workers"][0]["stop_timeout"]
    assert entry["drain"] == {"heartbeat_timeout": stop_timeout}
    declared = default()
    declared["services"]["payment"] = {"consumes": ["order", "notification"], "produces": ["payment"]}
    entries = scaling_policies(
        expand(declared, region=REGION), {"payment": {"autoscaling_group": GROUP, "form": "queue_depth"}}
    )
    assert [entry["name"] for entry in entries] == [
        "order-scale-up-on-queue-depth",
        "notification-scale-up-on-queue-depth",
    ]


@pytest.mark.parametrize(
    ("groups", "error"),
    [
        ({"paiment": {"autoscaling_group": GROUP}}, "groups.paiment: there is no such service"),
        ({"payment": GROUP}, "groups.payment: 'payment-service-asg' has to be a mapping with autoscaling_group"),
        ({"shop": {"autoscaling_group": GROUP}}, "groups.shop: the service consumes no queue"),
    ],
)
def test_a_group_that_cannot_scale_is_named(groups, error):
    declared = default()
    declared["services"]["shop"] = {"produces": ["order"]}
    with pytest.raises(InvalidInputError) as caught:
        scaling_policies(expand(declared, region=REGION), groups)
    assert error in str(caught.value)
