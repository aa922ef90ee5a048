"""Module alarms: create, modify, delete x check mode, real, repeated; pages, purge, and the proof of delivery."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime

import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st
from moto import mock_aws

from ansible_collections.ecommerce.sqs.plugins.module_utils._alarms.api import AlarmApi
from ansible_collections.ecommerce.sqs.plugins.module_utils._alarms.reconcile import reconcile
from ansible_collections.ecommerce.sqs.plugins.module_utils._problems import InvalidInputError, RefusedError
from ansible_collections.ecommerce.sqs.plugins.module_utils._topology.expand import expand
from ansible_collections.ecommerce.sqs.tests.unit.support.entries import OTHER_TOPIC, TOPIC, alarm
from ansible_collections.ecommerce.sqs.tests.unit.support.grid import three_runs
from ansible_collections.ecommerce.sqs.tests.unit.support.strict_aws import REGION, Clock, StrictAws
from ansible_collections.ecommerce.sqs.tests.unit.support.topologies import default


@pytest.fixture(autouse=True)
def _moto():
    with mock_aws():
        yield


def of_topology(**changes):
    return expand({**default(), **changes}, region=REGION)["alarms"]


def run(alarms, aws=None, check_mode=False, api=None, **changes):
    parameters = {
        "topology": None,
        "alarms": alarms,
        "alarm_actions": [],
        "state": "present",
        "tags": None,
        "purge": False,
        "purge_name_prefixes": [],
        "prove_delivery": False,
        "delivery_timeout": 10,
        **changes,
    }
    aws = aws or StrictAws()
    aws.check_mode = check_mode
    return reconcile(copy.deepcopy(parameters), aws, api=api), aws


def grid(alarms, **changes):
    done, _writes = three_runs(run, alarms, **changes)
    return done


def names():
    return {item["AlarmName"] for item in StrictAws().client("cloudwatch").describe_alarms()["MetricAlarms"]}


def test_the_alarms_of_a_topology_are_made_changed_and_removed():
    grid(None, topology=default())
    assert "high-order-queue-depth" in names()
    changed = of_topology(alarms={"backlog": {"threshold": 7}, "stuck": {"period": 60}, "alarm_actions": [TOPIC]})
    done = grid(changed)
    assert done["updated"] == [item["AlarmName"] for item in changed]
    grid([{"AlarmName": item["AlarmName"]} for item in changed], state="absent")
    assert names() == set()


def test_actions_of_all_come_on_top_of_their_own():
    declared = {**default(), "alarms": {"alarm_actions": [TOPIC]}}
    done, _aws = run(None, topology=declared, alarm_actions=[OTHER_TOPIC, TOPIC])
    assert {tuple(item["actions"]) for item in done["alarms"]} == {(TOPIC, OTHER_TOPIC)}


@pytest.mark.parametrize(
    "change",
    [
        {"Threshold": 5},
        {"AlarmDescription": "New"},
        {"ActionsEnabled": False},
        {"AlarmActions": [TOPIC]},
        {"TreatMissingData": "breaching"},
        {"DatapointsToAlarm": 1},
        {"Dimensions": [{"Name": "QueueName", "Value": "other"}]},
        {"Statistic": "Sum"},
        {"ComparisonOperator": "LessThanThreshold"},
    ],
)
def test_every_setting_reaches_an_alarm_that_exists_and_goes_back_when_it_is_no_longer_said(change):
    run([alarm()])
    done = grid([alarm(**change)])
    assert done["updated"] == ["depth"]
    done = grid([alarm()])
    assert done["updated"] == ["depth"]


def test_only_the_alarm_that_differs_is_written():
    run([alarm("a"), alarm("b"), alarm("c")])
    done, aws = run([alarm("a"), alarm("b", Threshold=1), alarm("c")])
    assert aws.writes == ["PutMetricAlarm"]
    assert done["updated"] == ["b"]
    assert set(json.loads(done["diff"]["before"])) == {"b"}


def test_order_and_form_that_mean_nothing_are_no_difference():
    math = next(item for item in of_topology() if item["AlarmName"] == "ecommerce-order-queue-stuck")
    first, second = ({"Name": "A", "Value": "1"}, {"Name": "B", "Value": "2"})
    run([math, alarm(AlarmActions=[TOPIC, OTHER_TOPIC], Dimensions=[first, second])])
    turned = dict(math, Metrics=list(reversed(math["Metrics"])))
    same = alarm(AlarmActions=[OTHER_TOPIC, TOPIC], Dimensions=[second, first], Threshold="100", Period="300")
    _done, aws = run([turned, same])
    assert aws.writes == []


def test_the_alarms_of_400_queues_are_read_in_a_handful_of_pages():
    alarms = [alarm(f"high-{number:03}-queue-depth") for number in range(400)]
    run(alarms)
    again, aws = run(alarms)
    assert not again["changed"]
    assert aws.calls == ["DescribeAlarms"] * 4


def test_purge_takes_what_carries_our_tags_and_nothing_else():
    ours = {"Topology": "ecommerce"}
    run([alarm("high-old-queue-depth"), alarm("high-order-queue-depth")], tags=ours)
    run([alarm("high-strangers-queue-depth")], tags={"Topology": "other"})
    run([alarm("cpu")], tags=ours)
    done = grid([alarm("high-order-queue-depth")], tags=ours, purge=True, purge_name_prefixes=["high-"])
    assert done["deleted"] == ["high-old-queue-depth"]
    assert names() == {"high-order-queue-depth", "high-strangers-queue-depth", "cpu"}


@pytest.mark.parametrize(
    ("prefix", "gone"), [("ecommerce", {"high-old-queue-depth", "ecommerce-old"}), ("staging", {"staging-old"})]
)
def test_purge_of_a_topology_knows_how_its_names_begin(prefix, gone):
    ours = {"Topology": prefix}
    run([alarm(name) for name in ("high-old-queue-depth", "ecommerce-old", "staging-old", "cpu")], tags=ours)
    done, _aws = run(None, topology={**default(), "prefix": prefix}, tags=ours, purge=True)
    assert set(done["deleted"]) == gone


def test_purge_without_a_sign_of_ownership_is_refused():
    aws = StrictAws()
    with pytest.raises(InvalidInputError, match="needs tags and purge_name_prefixes"):
        run([alarm()], aws=aws, purge=True)
    assert aws.calls == []


def test_a_changed_alarm_gets_the_tags_by_a_call_of_their_own():
    run([alarm()])
    _done, aws = run([alarm(Threshold=1)], tags={"a": "b"})
    assert aws.writes == ["PutMetricAlarm", "TagResource"]


def test_an_alarm_that_lacks_a_tag_gets_it_and_keeps_its_others():
    run([alarm("depth"), alarm("age")], tags={"a": "1"})
    expected, aws = run([alarm("depth"), alarm("age")], tags={"b": "2"}, check_mode=True)
    assert (expected["changed"], expected["retagged"], aws.writes) == (True, ["depth", "age"], [])
    done, aws = run([alarm("depth"), alarm("age")], tags={"b": "2"})
    assert (done["changed"], done["retagged"], aws.writes) == (True, ["depth", "age"], ["TagResource", "TagResource"])
    again, aws = run([alarm("depth"), alarm("age")], tags={"a": "1", "b": "2"})
    assert (again["changed"], again["retagged"], aws.writes) == (False, [], [])


def test_a_tag_with_another_value_is_set():
    run([alarm()], tags={"a": "1"})
    done, aws = run([alarm()], tags={"a": "2"})
    assert (done["changed"], aws.writes) == (True, ["TagResource"])


def test_a_missing_permission_to_read_is_never_taken_for_no_alarm():
    aws = StrictAws()
    aws.refuse("DescribeAlarms", "AccessDenied", "User is not authorized")
    with pytest.raises(ClientError, match="AccessDenied"):
        run([alarm()], aws=aws)
    assert aws.writes == []


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ({}, "alarms[0].AlarmName: None is not a name of 1 to 255 characters"),
        (alarm("x" * 256), "is not a name of 1 to 255 characters"),
        (alarm(Treshold=1), "alarms[0].Treshold: unknown key"),
        (alarm(ComparisonOperator=">"), "alarms[0].ComparisonOperator: '>' is not one of"),
        (alarm(TreatMissingData="ok"), "alarms[0].TreatMissingData: 'ok' is not one of"),
        (alarm(Period=0), "alarms[0].Period: 0 is not a whole number above 0"),
        (alarm(Threshold="many"), "alarms[0].Threshold: 'many' is not a number"),
        (alarm(AlarmActions="on-call"), "alarms[0].AlarmActions: 'on-call' is not a list of ARNs"),
        (alarm(Metrics=[]), "alarms[0]: set either MetricName with Namespace, or Metrics"),
        (alarm(Statistic=None), "alarms[0]: set either Statistic or ExtendedStatistic"),
        (alarm(EvaluationPeriods=None), "alarms[0].EvaluationPeriods: is missing"),
        (
            {"AlarmName": "a", "EvaluationPeriods": 1, "ComparisonOperator": "LessThanThreshold", "Metrics": [{}]},
            'alarms[0]: Missing required parameter in Metrics[0]: "Id"',
        ),
        (
            {"AlarmName": "a", "EvaluationPeriods": 1, "ComparisonOperator": "LessThanThreshold", "Metrics": [{}, {}]},
            "alarms[0].Metrics: exactly one of them has to have ReturnData: true",
        ),
    ],
)
def test_bad_input_is_refused_with_its_path_before_any_call(value, error):
    aws = StrictAws()
    with pytest.raises(InvalidInputError) as caught:
        run([value], aws=aws)
    assert error in str(caught.value)
    assert aws.calls == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=5,
)


KEYS = st.sampled_from(sorted({*alarm(), "Metrics", "OKActions"})) | st.text(max_size=4)


ONE_AWS: dict[str, StrictAws] = {}


@settings(max_examples=500)
@given(st.lists(st.dictionaries(KEYS, JSON) | st.dictionaries(KEYS, JSON).map(lambda some: {**alarm(), **some})))
def test_any_input_is_done_or_refused_with_its_path(values):
    # Making a client takes longer than all the rest.
    aws = ONE_AWS.setdefault("aws", StrictAws())
    aws.calls.clear()
    try:
        run(values, aws=aws, check_mode=True)
    except InvalidInputError as error:
        assert all(line.startswith("alarms[") for line in error.errors)
        assert aws.calls == []


@settings(max_examples=500)
@given(st.lists(st.just(alarm()), max_size=2), st.dictionaries(KEYS, JSON, min_size=1))
def test_a_bad_alarm_is_refused_among_good_ones_before_any_call(others, bad):
    aws = ONE_AWS.setdefault("aws", StrictAws())
    aws.calls.clear()
    broken = {**alarm("broken"), **bad, "Threshold": "many"}
    with pytest.raises(InvalidInputError) as caught:
        run([*({**item, "AlarmName": str(n)} for n, item in enumerate(others)), broken], aws=aws)
    assert any(line.startswith(f"alarms[{len(others)}]") for line in caught.value.errors)
    assert aws.calls == []


class History:
    """What moto does not have: the history of an alarm's actions, in the form that CloudWatch gives it.

    Source: API_AlarmHistoryItem.html, and the HistoryData that the console shows for an executed action.
    """

    def __init__(self, client, outcomes):
        self._client = client
        self._outcomes = outcomes

    def __getattr__(self, name):
        return getattr(self._client, name)

    def get_paginator(self, operation):
        return self if operation == "describe_alarm_history" else self._client.get_paginator(operation)

    def paginate(self, AlarmName, HistoryItemType, StartDate):  # noqa: N803
        assert HistoryItemType == "Action"
        assert StartDate <= datetime.now(UTC)
        items = []
        for action, error in self._outcomes.items():
            state = {"actionState": "Failed", "error": error} if error else {"actionState": "Succeeded"}
            items.append(
                {
                    "AlarmName": AlarmName,
                    "HistoryItemType": "Action",
                    "HistorySummary": f"Failed to execute action {action}"
                    if error
                    else f"Successfully executed {action}",
                    "HistoryData": json.dumps({"notificationResource": action, **state}),
                }
            )
        return [{"AlarmHistoryItems": items}]


def prove(outcomes, **changes):
    aws, clock = StrictAws(), Clock()
    api = AlarmApi(History(aws.client("cloudwatch"), outcomes), sleep=clock.sleep)
    done, _aws = run([alarm(AlarmActions=[TOPIC])], aws=aws, api=api, prove_delivery=True, **changes)
    return done, aws, clock


def test_delivery_is_proven_and_the_state_is_given_back():
    run([alarm(AlarmActions=[TOPIC])])
    done, aws, _clock = prove({TOPIC: None})
    assert done["deliveries"] == [{"alarm": "depth", "action": TOPIC, "delivered": True, "error": None}]
    assert done["changed"]
    assert aws.writes == ["SetAlarmState", "SetAlarmState"]
    (there,) = StrictAws().client("cloudwatch").describe_alarms()["MetricAlarms"]
    assert there["StateValue"] == "OK"


def test_an_alarm_that_is_on_already_is_tested_by_a_new_change():
    run([alarm(AlarmActions=[TOPIC])])
    StrictAws().client("cloudwatch").set_alarm_state(AlarmName="depth", StateValue="ALARM", StateReason="real")
    _done, aws, _clock = prove({TOPIC: None})
    assert aws.writes == ["SetAlarmState", "SetAlarmState"]
    (there,) = StrictAws().client("cloudwatch").describe_alarms()["MetricAlarms"]
    assert there["StateValue"] == "ALARM"


def test_a_topic_whose_key_refuses_cloudwatch_is_an_error_that_says_so():
    with pytest.raises(RefusedError) as caught:
        prove({TOPIC: "CloudWatch Alarms does not have authorization to access the SNS topic encryption key."})
    assert TOPIC in str(caught.value)
    assert "encryption key" in str(caught.value)
    assert "kms:GenerateDataKey*" in str(caught.value)


def test_silence_is_no_proof():
    with pytest.raises(RefusedError, match="reported nothing within 10 s"):
        prove({})


def test_check_mode_rings_nobody():
    done, aws, clock = prove({TOPIC: None}, check_mode=True)
    assert aws.writes == []
    assert done["deliveries"] == []
    assert clock.now == 0
