# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""The difference between wanted and actual alarms, and which of them prove that an action is taken."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given, settings

from ansible_collections.ecommerce.sqs.plugins.module_utils._alarms.plan import normalise, plan, targets
from ansible_collections.ecommerce.sqs.plugins.module_utils._alarms.wanted import read_alarms
from ansible_collections.ecommerce.sqs.plugins.module_utils._topology.expand import expand
from ansible_collections.ecommerce.sqs.tests.unit.support.entries import OTHER_TOPIC, TOPIC, alarm
from ansible_collections.ecommerce.sqs.tests.unit.support.strict_aws import REGION
from ansible_collections.ecommerce.sqs.tests.unit.support.topologies import good


@settings(max_examples=30)
@given(good())
def test_alarms_of_any_topology_are_accepted_and_are_equal_to_themselves(declared):
    alarms = expand(declared, region=REGION)["alarms"]
    assert [item["AlarmName"] for item in read_alarms(alarms)] == [item["AlarmName"] for item in alarms]
    assert plan(alarms, {item["AlarmName"]: item for item in alarms}, absent=False).empty
    assert all(normalise(normalise(item)) == normalise(item) for item in alarms)


def test_one_alarm_is_enough_to_prove_an_action():
    alarms = [
        alarm("a", AlarmActions=[TOPIC]),
        alarm("b", AlarmActions=[TOPIC, OTHER_TOPIC]),
        alarm("c", AlarmActions=["arn:aws:sns:x:y:off"], ActionsEnabled=False),
        alarm("d", OKActions=["arn:aws:sns:x:y:ok"]),
    ]
    assert targets(alarms) == [("a", TOPIC), ("b", OTHER_TOPIC)]


class TestPlan:
    def names(self, wanted, actual=(), **options):
        found = plan(wanted, {item["AlarmName"]: item for item in actual}, **{"absent": False, **options})
        parts = {"create": found.create, "update": found.update}
        return {key: [item["AlarmName"] for item in value] for key, value in parts.items()} | {"delete": found.delete}

    def test_what_is_new_is_created_what_differs_updated_and_what_is_equal_left(self):
        actual = [alarm("b"), alarm("c", Period=60), alarm("stranger")]
        assert self.names([alarm("c"), alarm("b"), alarm("a")], actual) == {
            "create": ["a"],
            "update": ["c"],
            "delete": [],
        }
        assert plan([alarm(Period=60)], {"depth": alarm()}, absent=False).update == [alarm(Period=60)]

    def test_what_is_unwanted_is_deleted(self):
        assert self.names([alarm("a")], [alarm("a")], unwanted=["z", "y"])["delete"] == ["y", "z"]

    def test_only_what_is_there_is_deleted(self):
        assert self.names([alarm("a"), alarm("b")], [alarm("b"), alarm("c")], absent=True) == {
            "create": [],
            "update": [],
            "delete": ["b"],
        }

    def test_a_plan_with_anything_in_it_is_not_empty(self):
        assert plan([], {}, absent=False).empty
        assert not plan([alarm()], {}, absent=False).empty
        assert not plan([alarm(Period=60)], {"depth": alarm()}, absent=False).empty
        assert not plan([], {}, absent=False, unwanted=["a"]).empty


METRICS = [
    {"Id": "b", "Expression": "a*2", "Label": "twice"},
    {
        "Id": "a",
        "ReturnData": False,
        "MetricStat": {
            "Metric": {
                "Namespace": "AWS/SQS",
                "MetricName": "NumberOfMessagesSent",
                "Dimensions": [{"Name": "QueueName", "Value": "shop"}, {"Name": "x", "Value": "y"}],
            },
            "Period": 300,
            "Stat": "Sum",
        },
    },
]


def differs(one, other):
    return not plan([one], {one["AlarmName"]: other}, absent=False).empty


class TestDifference:
    @pytest.mark.parametrize(
        "defaults",
        [
            {"ActionsEnabled": True},
            {"TreatMissingData": "missing"},
            {"DatapointsToAlarm": 2},
            {"OKActions": []},
            {"Threshold": 100},
            {"AlarmDescription": ""},
            {"Unit": None},
            {"StateValue": "OK"},
            {"AlarmArn": "arn:aws:cloudwatch:x:y:alarm:depth"},
        ],
    )
    def test_what_aws_adds_is_none(self, defaults):
        assert not differs(alarm(), alarm(**defaults))

    @pytest.mark.parametrize(
        "change",
        [
            {"ActionsEnabled": False},
            {"TreatMissingData": "breaching"},
            {"DatapointsToAlarm": 1},
            {"EvaluationPeriods": 3, "DatapointsToAlarm": 2},
            {"OKActions": [TOPIC]},
            {"AlarmActions": [TOPIC]},
            {"InsufficientDataActions": [TOPIC]},
            {"Threshold": 100.5},
            {"AlarmDescription": "other"},
            {"Unit": "Count"},
            {"Dimensions": []},
            {"Metrics": METRICS},
        ],
    )
    def test_what_an_alarm_says_is_one(self, change):
        assert differs(alarm(), alarm(**change))
        assert differs(alarm(**change), alarm())

    @pytest.mark.parametrize("key", ["OKActions", "AlarmActions", "InsufficientDataActions"])
    def test_the_order_of_actions_is_none(self, key):
        assert not differs(alarm(**{key: [TOPIC, OTHER_TOPIC]}), alarm(**{key: [OTHER_TOPIC, TOPIC]}))

    def test_the_order_of_dimensions_is_none(self):
        one, other = ({"Name": "QueueName", "Value": value} for value in "ab")
        assert not differs(alarm(Dimensions=[one, other]), alarm(Dimensions=[other, one]))
        assert not differs(alarm(Dimensions=[one]), alarm(Dimensions=[dict(reversed(one.items()))]))

    def math(self, change=lambda metrics: None):
        metrics = copy.deepcopy(METRICS)
        change(metrics)
        return alarm(Metrics=metrics)

    def test_the_order_and_defaults_of_metric_math_are_none(self):
        def reorder(metrics):
            metrics[0]["ReturnData"] = True
            metrics[0]["Period"] = None
            metrics[1]["MetricStat"]["Unit"] = ""
            metrics[1]["MetricStat"]["Metric"]["Dimensions"].reverse()
            metrics.reverse()

        assert not differs(self.math(), self.math(reorder))

    def test_a_metric_without_dimensions_is_one_with_none(self):
        def without(metrics):
            del metrics[1]["MetricStat"]["Metric"]["Dimensions"]

        def none(metrics):
            metrics[1]["MetricStat"]["Metric"]["Dimensions"] = []

        assert not differs(self.math(without), self.math(none))
        assert differs(self.math(without), self.math())

    @pytest.mark.parametrize(
        "change",
        [
            lambda metrics: metrics[0].update(Expression="a*3"),
            lambda metrics: metrics[0].update(Label="other"),
            lambda metrics: metrics[0].update(ReturnData=False),
            lambda metrics: metrics[1].update(ReturnData=True),
            lambda metrics: metrics[1]["MetricStat"].update(Period=60),
            lambda metrics: metrics[1]["MetricStat"].update(Stat="Average"),
            lambda metrics: metrics[1]["MetricStat"].update(Unit="Count"),
            lambda metrics: metrics[1]["MetricStat"]["Metric"].update(Namespace="x"),
            lambda metrics: metrics[1]["MetricStat"]["Metric"].update(MetricName="x"),
            lambda metrics: metrics[1]["MetricStat"]["Metric"]["Dimensions"].pop(),
            lambda metrics: metrics.pop(),
        ],
    )
    def test_what_metric_math_says_is_one(self, change):
        assert differs(self.math(), self.math(change))
        assert differs(self.math(change), self.math())


def test_an_alarm_without_actions_proves_nothing():
    assert targets([{"AlarmName": "a"}, alarm("b", AlarmActions=[TOPIC], ActionsEnabled=True)]) == [("b", TOPIC)]
