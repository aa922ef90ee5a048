# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of a group: none where it has what is wanted."""

from __future__ import annotations

import copy

import botocore.session
import pytest
from botocore.validate import ParamValidator
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ecommerce.sqs.plugins.module_utils._scaling.plan import (
    describe,
    normalise,
    plan_absent,
    plan_present,
    predict,
)
from ansible_collections.ecommerce.sqs.plugins.module_utils._scaling.wanted import read_wanted
from ansible_collections.ecommerce.sqs.tests.unit.support.entries import ASG, scaling_policy


@given(
    st.sampled_from(["backlog_per_instance", "queue_depth"]),
    st.floats(min_value=0.01, max_value=1e6),
    st.booleans(),
    st.none() | st.integers(0, 3600),
)
def test_every_policy_is_one_that_autoscaling_would_take(form, target, disable, warmup):
    changes = {"form": form, "target_value": target, "disable_scale_in": disable}
    (wanted,) = read_wanted([scaling_policy(estimated_instance_warmup=warmup, **changes)])
    model = botocore.session.get_session().get_service_model("autoscaling").operation_model("PutScalingPolicy")
    for name, made in wanted.policies.items():
        call = {"AutoScalingGroupName": wanted.group, "PolicyName": name, **made}
        assert not ParamValidator().validate(call, model.input_shape).has_errors()
        actual = {"metrics": dict.fromkeys(wanted.metrics, "1Minute"), "policies": {name: made}, "hooks": {}}
        assert plan_present(wanted, actual) == []
        assert normalise(made) == normalise(copy.deepcopy(made))


HOOK = {"name": "drain", "heartbeat_timeout": 330, "default_result": "CONTINUE"}


def wanted(*entries):
    (found,) = read_wanted(entries or [scaling_policy(drain=HOOK)])
    return found


def actual_of(group):
    """The group as it is read once all that is wanted of it was done."""
    return {
        "metrics": dict.fromkeys(group.metrics, "1Minute"),
        "policies": copy.deepcopy(group.policies),
        "hooks": {name: {**hook, "LifecycleHookName": name} for name, hook in group.hooks.items()},
    }


def methods(steps):
    return [step.method for step in steps]


def test_a_new_group_gets_metrics_then_hook_then_policy():
    group = wanted()
    for nothing in (None, {"metrics": {}, "policies": {}, "hooks": {}}):
        metrics, hook, policy = plan_present(group, nothing)
        assert (metrics.method, metrics.arguments) == (
            "collect_metrics",
            {"group": ASG, "metrics": ["GroupInServiceInstances", "GroupDesiredCapacity"]},
        )
        assert (hook.method, hook.arguments) == (
            "put_hook",
            {"group": ASG, "name": "drain", "settings": group.hooks["drain"]},
        )
        assert (policy.method, policy.arguments) == (
            "put_policy",
            {"group": ASG, "name": "backlog-per-instance", "settings": group.policies["backlog-per-instance"]},
        )


def test_a_group_that_has_all_needs_nothing():
    assert plan_present(wanted(), actual_of(wanted())) == []


def test_only_metrics_that_are_missing_or_too_coarse_are_collected():
    actual = actual_of(wanted())
    actual["metrics"]["GroupDesiredCapacity"] = "5Minute"
    (step,) = plan_present(wanted(), actual)
    assert step.arguments == {"group": ASG, "metrics": ["GroupDesiredCapacity"]}


@pytest.mark.parametrize(
    ("key", "value"), [("HeartbeatTimeout", 60), ("DefaultResult", "ABANDON"), ("LifecycleTransition", "x")]
)
def test_a_hook_that_differs_is_put(key, value):
    actual = actual_of(wanted())
    actual["hooks"]["drain"][key] = value
    assert methods(plan_present(wanted(), actual)) == ["put_hook"]


def changed(**changes):
    """A wanted policy with one change, and the plan from there to the one without it."""
    form = changes.pop("was", {})
    return methods(plan_present(wanted(scaling_policy(**changes)), actual_of(wanted(scaling_policy(**form)))))


@pytest.mark.parametrize(
    ("was", "changes"),
    [
        ({}, {"target_value": 101}),
        ({}, {"disable_scale_in": True}),
        ({"disable_scale_in": True}, {}),
        ({}, {"estimated_instance_warmup": 60}),
        ({"estimated_instance_warmup": 60}, {}),
        ({"estimated_instance_warmup": 60}, {"estimated_instance_warmup": 61}),
        ({"form": "queue_depth"}, {}),
        ({}, {"form": "queue_depth"}),
        ({}, {"queue_name": "another"}),
        ({"form": "queue_depth"}, {"form": "queue_depth", "queue_name": "another"}),
    ],
)
def test_a_policy_that_differs_is_put(was, changes):
    assert [step for step in changed(was=was, **changes) if step != "collect_metrics"] == ["put_policy"]


@pytest.mark.parametrize(
    ("part", "key", "value"),
    [
        ("metric", "MetricName", "x"),
        ("metric", "Namespace", "x"),
        ("metric", "Statistic", "Sum"),
        ("metric", "Unit", "Count"),
        ("metric", "Dimensions", [{"Name": "QueueName", "Value": "x"}]),
        ("metric", "Dimensions", None),
        ("tracking", "PredefinedMetricSpecification", {"PredefinedMetricType": "x"}),
        ("policy", "PolicyType", "StepScaling"),
    ],
)
def test_nothing_that_a_policy_says_goes_unnoticed(part, key, value):
    group = wanted(scaling_policy(form="queue_depth"))
    actual = actual_of(group)
    policy = actual["policies"]["backlog-per-instance"]
    tracking = policy["TargetTrackingConfiguration"]
    parts = {"policy": policy, "tracking": tracking, "metric": tracking["CustomizedMetricSpecification"]}
    parts[part][key] = value
    assert methods(plan_present(group, actual)) == ["put_policy"]


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("path", ["Expression", "ReturnData", "Stat", "Namespace", "MetricName", "Dimensions", "Id"])
def test_nothing_that_a_query_says_goes_unnoticed(number, path):
    group = wanted()
    actual = actual_of(group)
    tracking = actual["policies"]["backlog-per-instance"]["TargetTrackingConfiguration"]
    query = tracking["CustomizedMetricSpecification"]["Metrics"][number]
    if path == "Stat":
        query.setdefault("MetricStat", {})["Stat"] = "x"
    elif path in ("Namespace", "MetricName"):
        query.setdefault("MetricStat", {}).setdefault("Metric", {})[path] = "x"
    elif path == "Dimensions":
        dimensions = [{"Name": "x", "Value": "y"}]
        query.setdefault("MetricStat", {}).setdefault("Metric", {})["Dimensions"] = dimensions
    else:
        query[path] = not query[path] if path == "ReturnData" else "x"
    assert methods(plan_present(group, actual)) == ["put_policy"]


def test_order_and_defaults_mean_nothing():
    group = wanted()
    actual = actual_of(group)
    policy = actual["policies"]["backlog-per-instance"]
    tracking = policy["TargetTrackingConfiguration"]
    tracking["TargetValue"] = 100
    del tracking["DisableScaleIn"]
    metrics = tracking["CustomizedMetricSpecification"]["Metrics"]
    del metrics[0]["ReturnData"]
    metrics[1]["Expression"] = ""
    metrics.reverse()
    assert plan_present(group, actual) == []


def test_the_order_of_dimensions_means_nothing():
    one, other = ([{"Name": name, "Value": "x"} for name in names] for names in ("ab", "ba"))
    for wrap in (
        lambda found: {"Dimensions": found},
        lambda found: {"Metrics": [{"Id": "a", "MetricStat": {"Metric": {"Dimensions": found}}}]},
    ):
        first, second = (
            normalise({"TargetTrackingConfiguration": {"CustomizedMetricSpecification": wrap(found)}})
            for found in (one, other)
        )
        assert first == second


def test_a_policy_of_another_kind_is_no_error():
    said = normalise({"PolicyType": "SimpleScaling", "ScalingAdjustment": 1})
    assert said["PolicyType"] == "SimpleScaling"
    assert not any(value for key, value in said.items() if key != "PolicyType")


def test_removal_takes_what_is_there_and_leaves_the_metrics():
    group = wanted()
    assert plan_absent(group, None) == []
    steps = plan_absent(group, actual_of(group))
    assert [(step.method, step.arguments) for step in steps] == [
        ("delete_policy", {"group": ASG, "name": "backlog-per-instance"}),
        ("delete_hook", {"group": ASG, "name": "drain"}),
    ]
    assert methods(plan_absent(group, {**actual_of(group), "policies": {}})) == ["delete_hook"]
    assert methods(plan_absent(group, {**actual_of(group), "hooks": {}})) == ["delete_policy"]


def test_what_is_foretold_of_a_group_is_what_it_will_be():
    group = wanted()
    stranger = {"policies": {"other": {"a": 1}}, "hooks": {"other": {"b": 2}}, "metrics": {"GroupMinSize": "1Minute"}}
    before = copy.deepcopy(stranger)
    after = predict(stranger, plan_present(group, stranger))
    assert stranger == before
    assert plan_present(group, after) == []
    assert after["policies"]["other"] == {"a": 1}
    assert after["hooks"]["other"] == {"b": 2}
    assert after["metrics"] == dict.fromkeys(["GroupMinSize", *group.metrics], "1Minute")
    gone = predict(after, plan_absent(group, after))
    assert (gone["policies"], gone["hooks"]) == (stranger["policies"], stranger["hooks"])
    assert gone["metrics"] == after["metrics"]
    assert plan_present(group, predict(None, plan_present(group, None))) == []
    assert predict(None, []) == {"metrics": {}, "policies": {}, "hooks": {}}


def test_a_diff_shows_what_is_managed_and_nothing_else():
    group = wanted()
    assert describe(group, None) == {}
    assert describe(group, {"metrics": {}, "policies": {}, "hooks": {}}) == {"metrics": {}, "policies": {}, "hooks": {}}
    actual = actual_of(group)
    actual["metrics"]["GroupMinSize"] = "1Minute"
    actual["policies"]["other"] = actual["policies"]["backlog-per-instance"]
    actual["hooks"]["other"] = actual["hooks"]["drain"]
    shown = describe(group, actual)
    assert shown["metrics"] == dict.fromkeys(group.metrics, "1Minute")
    assert shown["hooks"] == {"drain": group.hooks["drain"]}
    assert list(shown["policies"]) == ["backlog-per-instance"]
    policy = shown["policies"]["backlog-per-instance"]
    assert (policy["PolicyType"], policy["TargetValue"]) == ("TargetTrackingScaling", 100.0)
    assert set(policy) == {"PolicyType", "TargetValue", "Metrics"}
    del actual["hooks"]["drain"]["DefaultResult"]
    assert describe(group, actual)["hooks"]["drain"]["DefaultResult"] is None
