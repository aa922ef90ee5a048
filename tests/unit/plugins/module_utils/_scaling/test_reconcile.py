"""Module scaling_policy: create, modify, delete x check mode, real, repeated; what is tracked."""

from __future__ import annotations

import copy

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from ansible_collections.ecommerce.sqs.plugins.module_utils._problems import InvalidInputError, RefusedError
from ansible_collections.ecommerce.sqs.plugins.module_utils._scaling.reconcile import reconcile
from ansible_collections.ecommerce.sqs.tests.unit.support.entries import ASG, scaling_policy
from ansible_collections.ecommerce.sqs.tests.unit.support.grid import three_runs
from ansible_collections.ecommerce.sqs.tests.unit.support.strict_aws import StrictAws


@pytest.fixture(autouse=True)
def _moto():
    with mock_aws():
        client = StrictAws().client("autoscaling")
        client.create_launch_configuration(
            LaunchConfigurationName="lc", ImageId="ami-12c6146b", InstanceType="t3.small"
        )
        client.create_auto_scaling_group(
            AutoScalingGroupName=ASG,
            LaunchConfigurationName="lc",
            MinSize=0,
            MaxSize=2,
            AvailabilityZones=["ap-southeast-1a"],
        )
        yield


def run(*policies, aws=None, check_mode=False, state="present"):
    aws = aws or StrictAws()
    parameters = {"scaling_policies": list(policies), "state": state}
    aws.check_mode = check_mode
    return reconcile(copy.deepcopy(parameters), aws), aws


def grid(writes, *policies, **changes):
    done, made = three_runs(run, *policies, **changes)
    assert made == writes
    return done


def policies_of_group():
    return StrictAws().client("autoscaling").describe_policies(AutoScalingGroupName=ASG)["ScalingPolicies"]


DRAIN = {"name": "drain", "heartbeat_timeout": 330, "default_result": "CONTINUE"}


def test_metrics_come_first_and_then_hook_and_policy():
    grid(["EnableMetricsCollection", "PutLifecycleHook", "PutScalingPolicy"], scaling_policy(drain=DRAIN))
    (made,) = policies_of_group()
    tracking = made["TargetTrackingConfiguration"]
    assert tracking["TargetValue"] == 100
    queries = {query["Id"]: query for query in tracking["CustomizedMetricSpecification"]["Metrics"]}
    assert [name for name, query in queries.items() if query["ReturnData"]] == ["backlog"]
    assert queries["instances"]["MetricStat"]["Metric"]["Dimensions"][0]["Value"] == ASG


def test_the_simple_form_tracks_the_depth_of_the_queue():
    grid(["PutScalingPolicy"], scaling_policy(name="scale-up-on-queue-depth", form="queue_depth", target_value=50))
    (made,) = policies_of_group()
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
    run(scaling_policy(drain=DRAIN))
    grid([write], scaling_policy(**{"drain": DRAIN, **change}))


def test_removal_leaves_the_metrics_to_others():
    run(scaling_policy(drain=DRAIN))
    grid(["DeletePolicy", "DeleteLifecycleHook"], scaling_policy(drain=DRAIN), state="absent")
    assert policies_of_group() == []


def test_the_target_follows_from_latency_time_and_concurrency():
    done, _aws = run(
        scaling_policy(target_value=None, acceptable_latency=300, mean_processing_time=0.5, concurrency=10)
    )
    assert done["groups"][0]["target_values"] == {"backlog-per-instance": 6000.0}


def test_a_group_that_is_not_there_is_named_but_does_not_fail_a_check():
    missing = scaling_policy(autoscaling_group="nobody")
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
        run(scaling_policy(**change), aws=aws)
    assert error in str(caught.value)
    assert aws.calls == []


def test_a_policy_or_a_hook_given_twice_is_named():
    with pytest.raises(InvalidInputError) as caught:
        run(scaling_policy(drain=DRAIN), scaling_policy(drain={**DRAIN, "heartbeat_timeout": 60}))
    assert "'backlog-per-instance' is given twice for payment-service-asg" in str(caught.value)
    assert "payment-service-asg is given another hook drain already" in str(caught.value)


@pytest.mark.parametrize("operation", ["DescribeAutoScalingGroups", "DescribePolicies", "DescribeLifecycleHooks"])
def test_a_missing_permission_to_read_is_an_error(operation):
    aws = StrictAws()
    aws.refuse(operation, "AccessDenied", "User is not authorized")
    with pytest.raises(ClientError, match="AccessDenied"):
        run(scaling_policy(), aws=aws)
    assert aws.writes == []
