# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""The alarms that a module is asked for are read, or refused with the path of each fault."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.ecommerce.sqs.plugins.module_utils._alarms.wanted import (
    check_purge,
    read_alarms,
    read_names,
    with_actions,
)
from ansible_collections.ecommerce.sqs.plugins.module_utils._problems import InvalidInputError
from ansible_collections.ecommerce.sqs.tests.unit.support.entries import OTHER_TOPIC, TOPIC, alarm


def errors(*alarms: dict[str, Any]) -> list[str]:
    with pytest.raises(InvalidInputError) as caught:
        read_alarms(alarms)
    return caught.value.errors


def on_metrics(*metrics: Any, **changes: Any) -> dict[str, Any]:
    """An alarm on metric math."""
    given = dict.fromkeys(("MetricName", "Namespace", "Statistic", "Period", "Dimensions"))
    return alarm(**{**given, "Metrics": list(metrics), **changes})


def test_what_is_given_is_read_and_what_is_not_given_is_left_out() -> None:
    assert read_alarms([alarm("a"), alarm("b", Unit=None)]) == [alarm("a"), alarm("b")]


def test_what_a_template_made_text_is_made_a_number_again() -> None:
    text = {
        "Period": "60",
        "EvaluationPeriods": "3",
        "DatapointsToAlarm": "2",
        "Threshold": "1.5",
        "ActionsEnabled": "False",
    }
    (found,) = read_alarms([alarm(**text)])
    values = {"Period": 60, "EvaluationPeriods": 3, "DatapointsToAlarm": 2, "Threshold": 1.5, "ActionsEnabled": False}
    assert {key: found[key] for key in text} == values
    assert read_alarms([alarm("12")])[0]["AlarmName"] == "12"


def test_all_faults_are_told_with_their_paths() -> None:
    found = errors(alarm(""), alarm("a", Period=0), alarm("a", Treshold=1, AlarmActions="x"), alarm(3))
    assert [text.split(": ")[0] for text in found] == [
        "alarms[0].AlarmName",
        "alarms[1].Period",
        "alarms[2].AlarmName",
        "alarms[2].Treshold",
        "alarms[2].AlarmActions",
        "alarms[3].AlarmName",
    ]
    assert "'a' is given twice" in found[2]
    assert "unknown key" in found[3]


@pytest.mark.parametrize("length", [1, 255])
def test_names_at_the_limits_are_accepted(length: int) -> None:
    assert read_alarms([alarm("x" * length)])


def test_a_longer_name_is_not() -> None:
    (error,) = errors(alarm("x" * 256))
    assert error.endswith("is not a name of 1 to 255 characters")


def test_a_description_has_at_most_1024_characters() -> None:
    assert read_alarms([alarm(AlarmDescription="x" * 1024)])
    assert errors(alarm(AlarmDescription="x" * 1025)) == ["alarms[0].AlarmDescription: has more than 1024 characters"]


@pytest.mark.parametrize(
    ("key", "good"),
    [
        (
            "ComparisonOperator",
            [
                "GreaterThanOrEqualToThreshold",
                "GreaterThanThreshold",
                "LessThanThreshold",
                "LessThanOrEqualToThreshold",
                "LessThanLowerOrGreaterThanUpperThreshold",
                "LessThanLowerThreshold",
                "GreaterThanUpperThreshold",
            ],
        ),
        ("TreatMissingData", ["breaching", "notBreaching", "ignore", "missing"]),
        ("Statistic", ["SampleCount", "Average", "Sum", "Minimum", "Maximum"]),
    ],
)
def test_words_are_those_that_cloudwatch_knows(key: str, good: list[str]) -> None:
    for word in good:
        assert read_alarms([alarm(**{key: word})])
    assert errors(alarm(**{key: "often"})) == [f"alarms[0].{key}: 'often' is not one of {', '.join(good)}"]


@pytest.mark.parametrize("key", ["Period", "EvaluationPeriods", "DatapointsToAlarm"])
def test_counts_are_whole_numbers_above_0(key: str) -> None:
    assert read_alarms([alarm(**{key: 1})])
    for value in (0, -1, 1.5, "x", True):
        (error,) = errors(alarm(**{key: value}))
        assert error.startswith(f"alarms[0].{key}: ")
        assert error.endswith("is not a whole number above 0")


@pytest.mark.parametrize(
    ("key", "value", "error"),
    [
        ("Threshold", "many", "'many' is not a number"),
        ("ActionsEnabled", "perhaps", "'perhaps' is not a boolean"),
        ("AlarmActions", [TOPIC, "mail"], "['arn:aws:sns:ap-southeast-1:123456789012:on-call', 'mail'] is not a list"),
        ("OKActions", "mail", "'mail' is not a list of ARNs"),
        ("InsufficientDataActions", [TOPIC] * 6, "6 actions are above 5"),
    ],
)
def test_other_values(key: str, value: object, error: str) -> None:
    (found,) = errors(alarm(**{key: value}))
    assert found.startswith(f"alarms[0].{key}: {error}")


def test_five_actions_of_a_kind_are_accepted() -> None:
    assert read_alarms([alarm(AlarmActions=[TOPIC] * 5, OKActions=[TOPIC] * 5)])


@pytest.mark.parametrize("key", ["ComparisonOperator", "EvaluationPeriods", "Namespace", "Period"])
def test_what_every_alarm_needs(key: str) -> None:
    (error,) = errors(alarm(**{key: None}))
    assert error.startswith(f"alarms[0].{key}: is missing")


def test_an_alarm_without_a_threshold_is_one_on_a_band() -> None:
    assert read_alarms([alarm(Threshold=None)])


def test_one_statistic_is_needed_of_either_kind() -> None:
    assert read_alarms([alarm(Statistic=None, ExtendedStatistic="p99")])
    for change in ({"ExtendedStatistic": "p99"}, {"Statistic": None}):
        assert errors(alarm(**change)) == ["alarms[0]: set either Statistic or ExtendedStatistic"]


class TestMath:
    returned, input_ = {"Id": "a", "Expression": "b*2"}, {"Id": "b", "ReturnData": False}

    def test_one_of_the_metrics_is_returned(self) -> None:
        assert read_alarms([on_metrics(self.returned, self.input_)])
        for metrics in ((self.returned, self.returned), (self.input_,), ()):
            (error,) = errors(on_metrics(*metrics))
            assert error.startswith("alarms[0].Metrics: exactly one of them")

    def test_it_stands_in_the_place_of_a_metric(self) -> None:
        for given in (on_metrics(self.returned, MetricName="x"), alarm(MetricName=None)):
            assert errors(given) == ["alarms[0]: set either MetricName with Namespace, or Metrics"]

    @pytest.mark.parametrize("metrics", ["a", {"Id": "a"}, [1], [{"Id": "a"}, "b"]])
    def test_it_is_a_list_of_mappings(self, metrics: object) -> None:
        (error,) = errors(on_metrics(Metrics=metrics))
        assert error.startswith("alarms[0].Metrics: ")
        assert error.endswith("is not a list of mappings")


class TestNames:
    def test_only_the_names_matter(self) -> None:
        assert read_names([{"AlarmName": "a", "Period": 0}, {"AlarmName": "b"}]) == [
            {"AlarmName": "a", "Period": 0},
            {"AlarmName": "b"},
        ]

    def test_everyone_without_is_told(self) -> None:
        with pytest.raises(InvalidInputError) as caught:
            read_names([{"AlarmName": ""}, {"AlarmName": "a"}, {}])
        assert caught.value.errors == ["alarms[0].AlarmName: is missing", "alarms[2].AlarmName: is missing"]
        assert caught.value.subject == "alarms"


class TestActionsOfAll:
    @pytest.mark.parametrize(
        ("own", "together"),
        [
            ([], [TOPIC]),
            (None, [TOPIC]),
            ([OTHER_TOPIC], [OTHER_TOPIC, TOPIC]),
            ([TOPIC, OTHER_TOPIC], [TOPIC, OTHER_TOPIC]),
            ("mail", "mail"),
        ],
    )
    def test_they_come_after_an_alarms_own(self, own: object, together: object) -> None:
        assert with_actions([{"AlarmName": "a", "AlarmActions": own}], [TOPIC]) == [
            {"AlarmName": "a", "AlarmActions": together}
        ]

    def test_an_alarm_without_any_gets_them(self) -> None:
        assert with_actions([{"AlarmName": "a"}], [TOPIC]) == [{"AlarmName": "a", "AlarmActions": [TOPIC]}]

    def test_where_there_are_none_nothing_is_added(self) -> None:
        given = {"AlarmName": "a"}
        (found,) = with_actions([given], [])
        assert found == given
        assert found is not given


@pytest.mark.parametrize(("tags", "prefixes"), [(None, ["a"]), ({}, ["a"]), ({"k": "v"}, [])])
def test_a_purge_needs_both_signs_of_what_is_ours(tags: dict[str, str] | None, prefixes: list[str]) -> None:
    check_purge(tags, prefixes, purge=False)
    check_purge({"k": "v"}, ["a"], purge=True)
    with pytest.raises(InvalidInputError) as caught:
        check_purge(tags, prefixes, purge=True)
    assert caught.value.subject == "purge"
    assert "needs tags and purge_name_prefixes" in caught.value.errors[0]
