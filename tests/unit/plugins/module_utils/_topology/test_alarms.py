# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""The alarms that a topology gives, and how its operator tunes them."""

from __future__ import annotations

import json

import botocore.session
import pytest
from botocore.validate import ParamValidator
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.ecommerce.sqs.plugins.module_utils._problems import InvalidInputError, Problems
from ansible_collections.ecommerce.sqs.plugins.module_utils._topology.alarms import (
    DEAD_LETTER_KINDS,
    KINDS,
    QUEUE_KINDS,
    alarms,
    read_settings,
)
from ansible_collections.ecommerce.sqs.plugins.module_utils._topology.expand import expand
from ansible_collections.ecommerce.sqs.plugins.module_utils._topology.names import alarm_name_prefixes
from ansible_collections.ecommerce.sqs.tests.unit.support.topologies import default, good

TOPIC = "arn:aws:sns:ap-southeast-1:123456789012:on-call"


def queue(key, *, dead_letter=False, **changes):
    return {
        "key": key,
        "name": f"ecommerce-{key}" if dead_letter else f"ecommerce-{key}-queue",
        "dead_letter": dead_letter,
        "visibility_timeout": 300,
        "message_retention_period": 1209600 if dead_letter else 345600,
        "alarms": {},
        **changes,
    }


def made(*queues, prefix="ecommerce"):
    found = alarms({"prefix": prefix, "queues": {item["key"]: item for item in queues}})
    return {alarm["AlarmName"]: alarm for alarm in found}


def read(value, **kwargs):
    problems = Problems()
    settings = read_settings(value, "alarms", problems, **kwargs)
    return settings, problems.errors


def test_the_seed_alarm_is_there_for_every_queue_with_the_seed_numbers():
    found = made(queue("order"), queue("payment", name="ecommerce-payment-queue.fifo"), queue("notification"))
    assert {name for name in found if name.startswith("high-")} == {
        "high-order-queue-depth",
        "high-payment-queue-depth",
        "high-notification-queue-depth",
    }
    alarm = found["high-order-queue-depth"]
    assert {key: alarm[key] for key in alarm if key not in ("AlarmDescription", "ActionsEnabled")} == {
        "AlarmName": "high-order-queue-depth",
        "Namespace": "AWS/SQS",
        "MetricName": "ApproximateNumberOfMessagesVisible",
        "Dimensions": [{"Name": "QueueName", "Value": "ecommerce-order-queue"}],
        "Statistic": "Average",
        "Period": 300,
        "EvaluationPeriods": 2,
        "DatapointsToAlarm": 2,
        "Threshold": 100.0,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
        "AlarmActions": [],
        "OKActions": [],
        "InsufficientDataActions": [],
    }
    assert found["high-payment-queue-depth"]["Dimensions"][0]["Value"] == "ecommerce-payment-queue.fifo"


def test_two_environments_in_one_account_do_not_share_an_alarm():
    assert not set(made(queue("order"))) & set(made(queue("order"), prefix="staging"))
    assert "staging-high-order-queue-depth" in made(queue("order"), prefix="staging")


def test_a_dlq_alarms_at_its_first_message_and_before_it_loses_one():
    found = made(queue("dlq", dead_letter=True, message_retention_period=1000))
    assert set(found) == {"ecommerce-dlq-not-empty", "ecommerce-dlq-expiring"}
    assert found["ecommerce-dlq-not-empty"]["Threshold"] == 0
    assert found["ecommerce-dlq-not-empty"]["ComparisonOperator"] == "GreaterThanThreshold"
    assert found["ecommerce-dlq-expiring"]["Threshold"] == 750


def test_a_message_that_succeeds_at_its_second_receive_is_not_too_old():
    assert made(queue("order", visibility_timeout=900))["ecommerce-order-queue-age"]["Threshold"] == 1800


def test_silence_is_bad_only_where_somebody_should_poll():
    found = made(queue("order"), queue("dlq", dead_letter=True))
    assert {name for name, alarm in found.items() if alarm["TreatMissingData"] == "breaching"} == {
        "ecommerce-order-queue-unpolled"
    }


@pytest.mark.parametrize(
    ("name", "expression", "metrics"),
    [
        (
            "ecommerce-order-queue-stuck",
            "IF(FILL(visible,0)>0 AND FILL(deleted,0)==0,1,0)",
            {"visible": "ApproximateNumberOfMessagesVisible", "deleted": "NumberOfMessagesDeleted"},
        ),
        (
            "ecommerce-order-queue-unpolled",
            "FILL(empty,0)+FILL(received,0)",
            {"empty": "NumberOfEmptyReceives", "received": "NumberOfMessagesReceived"},
        ),
        (
            "ecommerce-order-queue-retry-storm",
            "(received-deleted)/received",
            {"received": "NumberOfMessagesReceived", "deleted": "NumberOfMessagesDeleted"},
        ),
    ],
)
def test_metric_math(name, expression, metrics):
    result, *inputs = made(queue("order"))[name]["Metrics"]
    assert result["Expression"] == expression
    assert [result["ReturnData"], *(item["ReturnData"] for item in inputs)] == [True, False, False]
    assert {item["Id"]: item["MetricStat"]["Metric"]["MetricName"] for item in inputs} == metrics


def test_the_topology_sets_actions_and_a_queue_overrides_a_number():
    general, errors = read({"alarm_actions": [TOPIC], "backlog": {"threshold": 50, "period": 60}, "age": False})
    assert errors == []
    own, errors = read({"backlog": {"threshold": "500"}, "age": True}, dead_letter=False, general=general)
    assert errors == []
    found = made(queue("order", alarms=own), queue("payment", alarms=general))
    assert found["high-order-queue-depth"]["Threshold"] == 500
    assert found["high-order-queue-depth"]["Period"] == 60
    assert found["high-payment-queue-depth"]["Threshold"] == 50
    assert "ecommerce-payment-queue-age" not in found
    assert "ecommerce-order-queue-age" in found
    assert all(alarm["AlarmActions"] == [TOPIC] for alarm in found.values())


def test_the_period_of_metric_math_reaches_every_input():
    settings, errors = read({"stuck": {"period": 60, "evaluation_periods": 2}})
    assert errors == []
    alarm = made(queue("order", alarms=settings))["ecommerce-order-queue-stuck"]
    assert [item["MetricStat"]["Period"] for item in alarm["Metrics"][1:]] == [60, 60]
    assert "Period" not in alarm
    assert alarm["DatapointsToAlarm"] == 2


@pytest.mark.parametrize(
    ("value", "dead_letter", "error"),
    [
        ({"backlog": {"treshold": 1}}, None, "alarms.backlog.treshold: unknown key; "),
        ({"depth": True}, None, "alarms.depth: unknown key; known are "),
        ({"not_empty": True}, False, "alarms.not_empty: unknown key; known are "),
        ({"backlog": True}, True, "alarms.backlog: unknown key; known are "),
        ({"backlog": None}, None, "alarms.backlog: None is neither a boolean nor a mapping of settings"),
        ({"backlog": "loud"}, None, "alarms.backlog: 'loud' is neither a boolean nor a mapping of settings"),
        ({"backlog": {"threshold": True}}, None, "alarms.backlog.threshold: True is not a number"),
        ({"backlog": {"threshold": "nan"}}, None, "alarms.backlog.threshold: 'nan' is not a number"),
        ({"backlog": {"period": 90}}, None, "alarms.backlog.period: 90 is not a multiple of 60 seconds"),
        ({"backlog": {"period": 0}}, None, "alarms.backlog.period: 0 is not a whole number above 0"),
        ({"age": {"datapoints_to_alarm": 6}}, None, "alarms.age.datapoints_to_alarm: 6 is above evaluation_periods, 5"),
        (
            {"backlog": {"evaluation_periods": 289}},
            None,
            "alarms.backlog: 289 periods of 300 seconds are above 86400 seconds",
        ),
        (
            {"backlog": {"treat_missing_data": "ok"}},
            None,
            "alarms.backlog.treat_missing_data: 'ok' is not one of breaching, notBreaching, ignore, missing",
        ),
        ({"alarm_actions": "on-call"}, None, "alarms.alarm_actions: 'on-call' is not a list of ARNs"),
        ({"ok_actions": [TOPIC] * 6}, None, "alarms.ok_actions: 6 actions are above 5"),
        ([], None, "alarms: [] is not a mapping"),
    ],
)
def test_a_wrong_setting_is_named(value, dead_letter, error):
    _settings, errors = read(value, dead_letter=dead_letter)
    assert len(errors) == 1
    assert errors[0].startswith(error)


def test_a_topology_brings_its_alarms_with_it():
    declared = default()
    declared["alarms"] = {"alarm_actions": [TOPIC], "in_flight": False}
    declared["queues"]["payment"]["alarms"] = {"backlog": {"threshold": 7}}
    found = {alarm["AlarmName"]: alarm for alarm in expand(declared, region="ap-southeast-1")["alarms"]}
    assert len(found) == 3 * 5 + 2 * 2
    assert found["high-payment-queue-depth"]["Threshold"] == 7
    assert found["ecommerce-dlq-fifo-not-empty"]["Dimensions"][0]["Value"] == "ecommerce-dlq.fifo"
    assert all(alarm["AlarmActions"] == [TOPIC] for alarm in found.values())


def test_faults_of_alarms_are_reported_with_all_others_of_the_topology():
    declared = default()
    declared["alarms"] = {"backlog": {"threshold": "many"}}
    declared["queues"]["order"] = {"visibility_timeout": -1, "alarms": {"age": "yesterday"}}
    declared["dead_letter_queue"] = {"alarms": {"age": True}}
    with pytest.raises(InvalidInputError) as caught:
        expand(declared, region="ap-southeast-1")
    paths = [error.partition(": ")[0] for error in caught.value.errors]
    assert sorted(paths) == [
        "alarms.backlog.threshold",
        "dead_letter_queue.alarms.age",
        "queues.order.alarms.age",
        "queues.order.visibility_timeout",
    ]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
TUNING = st.dictionaries(
    st.sampled_from(["threshold", "period", "evaluation_periods", "datapoints_to_alarm", "treat_missing_data"]), JSON
)
SETTINGS = st.dictionaries(st.sampled_from(KINDS) | st.text(max_size=4), st.booleans() | TUNING | JSON)


@given(SETTINGS | JSON, st.sampled_from([None, True, False]))
def test_any_input_is_read_or_refused_with_its_path(value, dead_letter):
    _settings, errors = read(value, dead_letter=dead_letter)
    assert all(error.startswith("alarms") for error in errors)


GOOD_TUNING = st.fixed_dictionaries(
    {},
    optional={
        "threshold": st.integers(0, 10**6),
        "period": st.sampled_from([60, 300, 3600]),
        "evaluation_periods": st.integers(1, 24),
        "treat_missing_data": st.sampled_from(["breaching", "ignore"]),
    },
)


@given(st.dictionaries(st.sampled_from(KINDS), st.booleans() | GOOD_TUNING))
def test_every_accepted_setting_gives_alarms_that_cloudwatch_would_take(value):
    settings, errors = read(value)
    assert errors == []
    model = botocore.session.get_session().get_service_model("cloudwatch").operation_model("PutMetricAlarm")
    found = made(queue("order", alarms=settings), queue("dlq", dead_letter=True, alarms=settings))
    off = {kind for kind, setting in value.items() if setting is False}
    assert len(found) == len({*QUEUE_KINDS, *DEAD_LETTER_KINDS} - off)
    for alarm in found.values():
        assert not ParamValidator().validate(alarm, model.input_shape).has_errors()
        assert alarm["DatapointsToAlarm"] <= alarm["EvaluationPeriods"]
        assert ("Metrics" in alarm) != ("MetricName" in alarm)
        json.dumps(alarm)


@settings(max_examples=50)
@given(good())
def test_every_name_begins_as_a_purge_looks_for_it(topology):
    expanded = expand(topology, region="ap-southeast-1")
    prefixes = tuple(alarm_name_prefixes(expanded["prefix"]))
    assert all(alarm["AlarmName"].startswith(prefixes) for alarm in expanded["alarms"])


def metric(name):
    dimensions = [{"Name": "QueueName", "Value": "ecommerce-order-queue"}]
    return {"Namespace": "AWS/SQS", "MetricName": name, "Dimensions": dimensions}


def single(name, statistic, period):
    return {**metric(name), "Statistic": statistic, "Period": period}


def stat(name, metric_name, statistic):
    inner = {"Metric": metric(metric_name), "Period": 300, "Stat": statistic}
    return {"Id": name, "MetricStat": inner, "ReturnData": False}


def when(operator, threshold, datapoints, periods, missing="notBreaching"):
    return {
        "ComparisonOperator": operator,
        "Threshold": float(threshold),
        "DatapointsToAlarm": datapoints,
        "EvaluationPeriods": periods,
        "TreatMissingData": missing,
    }


def math(expression, label, *inputs):
    return {"Metrics": [{"Id": "result", "Expression": expression, "Label": label, "ReturnData": True}, *inputs]}


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (
            "age",
            {
                **single("ApproximateAgeOfOldestMessage", "Maximum", 60),
                **when("GreaterThanThreshold", 600, 3, 5),
            },
        ),
        (
            "stuck",
            {
                **math(
                    "IF(FILL(visible,0)>0 AND FILL(deleted,0)==0,1,0)",
                    "waiting, and none finished",
                    stat("visible", "ApproximateNumberOfMessagesVisible", "Maximum"),
                    stat("deleted", "NumberOfMessagesDeleted", "Sum"),
                ),
                **when("GreaterThanOrEqualToThreshold", 1, 3, 3),
            },
        ),
        (
            "unpolled",
            {
                **math(
                    "FILL(empty,0)+FILL(received,0)",
                    "receives",
                    stat("empty", "NumberOfEmptyReceives", "Sum"),
                    stat("received", "NumberOfMessagesReceived", "Sum"),
                ),
                **when("LessThanThreshold", 1, 3, 3, missing="breaching"),
            },
        ),
        (
            "retry-storm",
            {
                **math(
                    "(received-deleted)/received",
                    "share of receives not followed by a delete",
                    stat("received", "NumberOfMessagesReceived", "Sum"),
                    stat("deleted", "NumberOfMessagesDeleted", "Sum"),
                ),
                **when("GreaterThanThreshold", 0.5, 3, 3),
            },
        ),
        (
            "in-flight",
            {
                **single("ApproximateNumberOfMessagesNotVisible", "Maximum", 60),
                **when("GreaterThanThreshold", 96000, 3, 3),
            },
        ),
    ],
)
def test_what_an_alarm_of_a_queue_watches(kind, expected):
    alarm = made(queue("order"))[f"ecommerce-order-queue-{kind}"]
    assert "ecommerce-order-queue" in alarm.pop("AlarmDescription")
    assert alarm == {
        "AlarmName": f"ecommerce-order-queue-{kind}",
        "ActionsEnabled": True,
        "AlarmActions": [],
        "OKActions": [],
        "InsufficientDataActions": [],
        **expected,
    }


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (
            "not-empty",
            {
                **single("ApproximateNumberOfMessagesVisible", "Maximum", 60),
                **when("GreaterThanThreshold", 0, 1, 1),
            },
        ),
        (
            "expiring",
            {
                **single("ApproximateAgeOfOldestMessage", "Maximum", 300),
                **when("GreaterThanThreshold", 907200, 1, 1),
            },
        ),
    ],
)
def test_what_an_alarm_of_a_dead_letter_queue_watches(kind, expected):
    alarm = made(queue("dlq", dead_letter=True, name="ecommerce-order-queue"))[f"ecommerce-dlq-{kind}"]
    assert {key: alarm[key] for key in expected} == expected
    assert set(alarm) == {
        *expected,
        "AlarmName",
        "AlarmDescription",
        "ActionsEnabled",
        "AlarmActions",
        "OKActions",
        "InsufficientDataActions",
    }


@pytest.mark.parametrize(("timeout", "threshold"), [(0, 300), (149, 300), (150, 300), (151, 302)])
def test_the_objective_of_the_age_is_five_minutes_or_two_receives(timeout, threshold):
    assert made(queue("order", visibility_timeout=timeout))["ecommerce-order-queue-age"]["Threshold"] == threshold


def tuned(kind="backlog", **tuning):
    settings, errors = read({kind: tuning})
    assert errors == []
    name = {"backlog": "high-order-queue-depth"}.get(kind, f"ecommerce-order-queue-{kind}")
    return made(queue("order", alarms=settings))[name]


def test_every_number_of_an_alarm_can_be_set():
    alarm = tuned(threshold=1, evaluation_periods=7, datapoints_to_alarm=3, treat_missing_data="ignore", period=120)
    assert {key: alarm[key] for key in ("Threshold", "EvaluationPeriods", "DatapointsToAlarm", "Period")} == {
        "Threshold": 1.0,
        "EvaluationPeriods": 7,
        "DatapointsToAlarm": 3,
        "Period": 120,
    }
    assert alarm["TreatMissingData"] == "ignore"


def test_fewer_periods_need_fewer_datapoints():
    assert tuned("age", evaluation_periods=2)["DatapointsToAlarm"] == 2
    assert tuned("age", evaluation_periods=4)["DatapointsToAlarm"] == 3


def test_each_kind_of_action_is_passed_on():
    general, errors = read({"alarm_actions": [TOPIC], "ok_actions": [TOPIC + "-2"], "insufficient_data_actions": []})
    assert errors == []
    alarm = made(queue("order", alarms=general))["high-order-queue-depth"]
    assert (alarm["AlarmActions"], alarm["OKActions"]) == ([TOPIC], [TOPIC + "-2"])
    assert alarm["InsufficientDataActions"] == []
    alarm = made(queue("order", alarms={"insufficient_data_actions": [TOPIC]}))["high-order-queue-depth"]
    assert alarm["InsufficientDataActions"] == [TOPIC]


def test_a_queue_may_have_no_settings():
    assert len(made(queue("order", alarms=None))) == 6
    without = queue("order")
    del without["alarms"]
    assert len(made(without)) == 6
    assert len(made(queue("order", alarms={"age": False}))) == 5


@pytest.mark.parametrize(
    ("value", "settings"),
    [
        (None, {}),
        ({"age": "no"}, {"age": False}),
        ({"age": "yes"}, {"age": {}}),
        ({"age": {}}, {"age": {}}),
        ({"age": {"period": "60", "threshold": "1.5"}}, {"age": {"period": 60, "threshold": 1.5}}),
        ({"age": {"period": None, "threshold": None, "treat_missing_data": None}}, {"age": {}}),
        ({"age": {"threshold": 0}}, {"age": {"threshold": 0.0}}),
        ({"age": {"threshold": -1}}, {"age": {"threshold": -1.0}}),
        (
            {"age": {"datapoints_to_alarm": 1, "evaluation_periods": 1}},
            {"age": {"datapoints_to_alarm": 1, "evaluation_periods": 1}},
        ),
    ],
)
def test_settings_as_they_are_read(value, settings):
    assert read(value) == (settings, [])


def test_a_queues_settings_are_laid_over_those_of_all_and_leave_them_as_they_are():
    general = {"age": {"period": 120, "threshold": 1.0}, "backlog": False, "stuck": {"period": 60}}
    before = json.loads(json.dumps(general))
    own = {"age": {"threshold": 2}, "backlog": {"threshold": 3}, "stuck": True}
    found, errors = read(own, dead_letter=False, general=general)
    assert errors == []
    assert found == {"age": {"period": 120, "threshold": 2.0}, "backlog": {"threshold": 3.0}, "stuck": {"period": 60}}
    assert general == before
    assert read(None, dead_letter=False, general=general)[0] == general


@pytest.mark.parametrize(
    ("tuning", "accepted"),
    [
        ({"evaluation_periods": 1440}, True),
        ({"evaluation_periods": 1441}, False),
        ({"evaluation_periods": 5, "datapoints_to_alarm": 5}, True),
        ({"datapoints_to_alarm": 5}, True),
        ({"datapoints_to_alarm": 6}, False),
        ({"evaluation_periods": 5, "datapoints_to_alarm": 6}, False),
        ({"period": 3540, "evaluation_periods": 24}, True),
        ({"period": 3540, "evaluation_periods": 25}, False),
        ({"period": 3600, "evaluation_periods": 168}, True),
        ({"period": 3600, "evaluation_periods": 169}, False),
        ({"period": 604800, "evaluation_periods": 1}, True),
        ({"period": 86400}, True),
        ({"period": 60, "evaluation_periods": 1440}, True),
    ],
)
def test_alarms_look_back_no_further_than_cloudwatch_does(tuning, accepted):
    _settings, errors = read({"age": tuning})
    assert (errors == []) is accepted
    if not accepted:
        key = ".datapoints_to_alarm" if "datapoints_to_alarm" in tuning else ""
        assert [error.partition(": ")[0] for error in errors] == [f"alarms.age{key}"]


def test_the_period_of_metric_math_counts_too():
    assert read({"stuck": {"evaluation_periods": 288}})[1] == []
    assert read({"stuck": {"evaluation_periods": 289}})[1]


def test_each_of_several_faults_is_told():
    faulty = {"period": 61, "threshold": "x", "evaluation_periods": 0, "datapoints_to_alarm": "y", "other": 1}
    _settings, errors = read({"age": {**faulty, "treat_missing_data": 3}, "alarm_actions": 3, "stuck": 4})
    assert sorted(error.partition(": ")[0] for error in errors) == [
        "alarms.age.datapoints_to_alarm",
        "alarms.age.evaluation_periods",
        "alarms.age.other",
        "alarms.age.period",
        "alarms.age.threshold",
        "alarms.age.treat_missing_data",
        "alarms.alarm_actions",
        "alarms.stuck",
    ]
    assert "alarms.age.threshold: 'x' is not a number" in errors
    assert "alarms.age.treat_missing_data: 3 is not one of breaching, notBreaching, ignore, missing" in errors
    assert "alarms.age.datapoints_to_alarm: 'y' is not a whole number above 0" in errors


@pytest.mark.parametrize("actions", [[], [TOPIC], [TOPIC] * 5])
def test_up_to_five_actions_are_accepted(actions):
    assert read({"alarm_actions": actions}) == ({"alarm_actions": actions}, [])


@pytest.mark.parametrize("actions", ["arn:aws:sns", [TOPIC, "mail"], {TOPIC: 1}, [3]])
def test_what_is_no_list_of_arns_is_refused(actions):
    (error,) = read({"ok_actions": actions})[1]
    assert error.startswith("alarms.ok_actions: ")
    assert "is not a list of ARNs" in error
