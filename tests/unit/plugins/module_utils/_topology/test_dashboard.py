# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the dashboard of a topology shows, and where."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings

from ansible_collections.ecommerce.sqs.plugins.module_utils._problems import InvalidInputError
from ansible_collections.ecommerce.sqs.plugins.module_utils._topology.dashboard import check_name, dashboard_body
from ansible_collections.ecommerce.sqs.plugins.module_utils._topology.expand import expand
from ansible_collections.ecommerce.sqs.tests.unit.support.topologies import default, good

REGION = "ap-southeast-1"
ALARM = f"arn:aws:cloudwatch:{REGION}:123456789012:alarm:"
GROUPS = {"payment": "payment-asg"}


def expanded(**changes: Any) -> dict[str, Any]:
    return dict(expand({**default(), **changes}, region=REGION, account_id="123456789012"))


def widgets(**options: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = dashboard_body(expanded(), **options)["widgets"]
    return found


def titled(title: str, **options: Any) -> dict[str, Any]:
    (found,) = (item for item in widgets(**options) if item["properties"]["title"] == title)
    return found


def metrics(title: str, **options: Any) -> list[Any]:
    found: list[Any] = titled(title, **options)["properties"]["metrics"]
    return found


def errors(**options: Any) -> list[str]:
    with pytest.raises(InvalidInputError) as caught:
        widgets(**options)
    assert caught.value.subject == "dashboard"
    return caught.value.errors


def test_every_queue_has_its_row_below_the_alarms() -> None:
    places = [(item["properties"]["title"], item["x"], item["y"], item["width"], item["height"]) for item in widgets()]
    assert places == [
        ("Alarms", 0, 0, 24, 6),
        ("ecommerce-dlq: messages", 0, 6, 12, 6),
        ("ecommerce-dlq: age", 12, 6, 12, 6),
        ("ecommerce-dlq.fifo: messages", 0, 12, 12, 6),
        ("ecommerce-dlq.fifo: age", 12, 12, 12, 6),
        ("ecommerce-order-queue: messages", 0, 18, 8, 6),
        ("ecommerce-order-queue: age", 8, 18, 8, 6),
        ("ecommerce-order-queue: per minute", 16, 18, 8, 6),
        ("ecommerce-payment-queue.fifo: messages", 0, 24, 8, 6),
        ("ecommerce-payment-queue.fifo: age", 8, 24, 8, 6),
        ("ecommerce-payment-queue.fifo: per minute", 16, 24, 8, 6),
        ("ecommerce-notification-queue: messages", 0, 30, 8, 6),
        ("ecommerce-notification-queue: age", 8, 30, 8, 6),
        ("ecommerce-notification-queue: per minute", 16, 30, 8, 6),
    ]


def test_a_group_that_scales_has_a_row_of_its_own() -> None:
    titles = [item["properties"]["title"] for item in widgets(autoscaling_groups=GROUPS, queues=["order", "payment"])]
    assert titles[1:] == [
        "ecommerce-order-queue: messages",
        "ecommerce-order-queue: age",
        "ecommerce-order-queue: per minute",
        "ecommerce-order-queue: backlog per instance",
        "payment-asg: instances",
        "ecommerce-payment-queue.fifo: messages",
        "ecommerce-payment-queue.fifo: age",
        "ecommerce-payment-queue.fifo: per minute",
    ]


def test_a_graph_has_the_same_form_everywhere() -> None:
    graph = titled("ecommerce-order-queue: messages")
    properties = graph["properties"]
    assert graph["type"] == "metric"
    assert {key: properties[key] for key in ("region", "view", "period", "stat", "yAxis")} == {
        "region": REGION,
        "view": "timeSeries",
        "period": 60,
        "stat": "Maximum",
        "yAxis": {"left": {"min": 0}},
    }
    assert all(
        {**item["properties"], "title": "", "metrics": [], "annotations": 0}
        == {**properties, "title": "", "metrics": [], "annotations": 0}
        for item in widgets(autoscaling_groups=GROUPS)
        if item["type"] != "alarm"
    )
    assert [item["type"] for item in widgets()].count("alarm") == 1


def _of(queue: str, metric: str, label: str, **options: Any) -> list[Any]:
    return ["AWS/SQS", metric, "QueueName", queue, {"label": label, **options}]


def test_what_waits_and_is_in_flight() -> None:
    queue = "ecommerce-order-queue"
    assert metrics(f"{queue}: messages") == [
        _of(queue, "ApproximateNumberOfMessagesVisible", "waiting"),
        _of(queue, "ApproximateNumberOfMessagesNotVisible", "in flight"),
        _of(queue, "ApproximateNumberOfMessagesDelayed", "delayed"),
    ]
    assert metrics("ecommerce-dlq: messages") == [_of("ecommerce-dlq", "ApproximateNumberOfMessagesVisible", "waiting")]


def test_what_comes_in_and_goes_out() -> None:
    queue = "ecommerce-order-queue"
    assert metrics(f"{queue}: per minute") == [
        _of(queue, "NumberOfMessagesSent", "sent", stat="Sum"),
        _of(queue, "NumberOfMessagesReceived", "received", stat="Sum"),
        _of(queue, "NumberOfMessagesDeleted", "finished", stat="Sum"),
        _of(queue, "NumberOfEmptyReceives", "empty polls", stat="Sum", yAxis="right"),
    ]


@pytest.mark.parametrize(("queue", "seconds"), [("ecommerce-order-queue", 600.0), ("ecommerce-dlq", 907200.0)])
def test_the_age_stands_against_its_objective(queue: str, seconds: float) -> None:
    properties = titled(f"{queue}: age")["properties"]
    assert properties["metrics"] == [_of(queue, "ApproximateAgeOfOldestMessage", "age of the oldest, seconds")]
    assert properties["annotations"] == {"horizontal": [{"label": "objective", "value": seconds}]}


def test_without_an_alarm_there_is_no_objective() -> None:
    body = dashboard_body(expanded(alarms={"age": False}))
    ages = {item["properties"]["title"]: item["properties"] for item in body["widgets"]}
    assert "annotations" not in ages["ecommerce-order-queue: age"]
    assert "annotations" in ages["ecommerce-dlq: age"]


def test_the_backlog_stands_against_its_target() -> None:
    title = "ecommerce-order-queue: backlog per instance"
    hidden = {"visible": False}
    assert metrics(title, autoscaling_groups=GROUPS) == [
        [
            {
                "id": "backlog",
                "expression": "(waiting + FILL(in_flight,0)) / IF(FILL(instances,0)>0, instances, 1)",
                "label": "backlog per instance",
            }
        ],
        [
            "AWS/SQS",
            "ApproximateNumberOfMessagesVisible",
            "QueueName",
            "ecommerce-order-queue",
            {"id": "waiting", "stat": "Sum", **hidden},
        ],
        [
            "AWS/SQS",
            "ApproximateNumberOfMessagesNotVisible",
            "QueueName",
            "ecommerce-order-queue",
            {"id": "in_flight", "stat": "Sum", **hidden},
        ],
        [
            "AWS/AutoScaling",
            "GroupInServiceInstances",
            "AutoScalingGroupName",
            "payment-asg",
            {"id": "instances", "stat": "Average", **hidden},
        ],
    ]
    assert "annotations" not in titled(title, autoscaling_groups=GROUPS)["properties"]
    marked = titled(title, autoscaling_groups=GROUPS, backlog_targets={"payment": 10})["properties"]
    assert marked["annotations"] == {"horizontal": [{"label": "target", "value": 10.0}]}
    assert "annotations" not in titled(title, autoscaling_groups=GROUPS, backlog_targets={"order": 10})["properties"]


def test_instances_of_a_group() -> None:
    name = ["AWS/AutoScaling", "AutoScalingGroupName", "payment-asg"]
    assert metrics("payment-asg: instances", autoscaling_groups=GROUPS) == [
        [name[0], "GroupDesiredCapacity", *name[1:], {"label": "desired"}],
        [name[0], "GroupInServiceInstances", *name[1:], {"label": "in service"}],
    ]


def test_the_alarms_are_those_of_the_queues_shown() -> None:
    alarms = titled("Alarms")["properties"]["alarms"]
    assert alarms == [ALARM + item["AlarmName"] for item in expanded()["alarms"]]
    chosen = titled("Alarms", queues=["order"])["properties"]["alarms"]
    assert chosen == [
        ALARM + "high-order-queue-depth",
        *(f"{ALARM}ecommerce-order-queue-{kind}" for kind in ("age", "stuck", "unpolled", "retry-storm", "in-flight")),
    ]
    assert [item["properties"]["title"] for item in widgets(queues=[])] == []


def many(count: int) -> dict[str, Any]:
    queues = {f"q{number}": {"external_consumer": True} for number in range(count)}
    return expanded(queues=queues, services={"one": {"consumes": ["q0"]}})


@pytest.mark.parametrize(("queues", "sizes"), [(2, [14]), (16, [98]), (17, [100, 4]), (34, [100, 100, 6])])
def test_a_widget_shows_at_most_100_alarms(queues: int, sizes: list[int]) -> None:
    body = dashboard_body(many(queues))
    shown = [item for item in body["widgets"] if item["type"] == "alarm"]
    assert [len(item["properties"]["alarms"]) for item in shown] == sizes
    assert [item["y"] for item in shown] == [6 * number for number in range(len(sizes))]
    names = [name for item in shown for name in item["properties"]["alarms"]]
    assert len(set(names)) == sum(sizes)


def test_a_dashboard_holds_at_most_500_widgets() -> None:
    # Ten of alarms, two of the dead-letter queue, three of each queue and two of a group.
    topology = many(163)
    queues = ["dlq", *(f"q{number}" for number in range(162))]
    assert len(dashboard_body(topology, queues=queues, autoscaling_groups={"one": "asg"})["widgets"]) == 500
    with pytest.raises(InvalidInputError) as caught:
        dashboard_body(topology)
    (error,) = caught.value.errors
    assert error.startswith("queues: 501 widgets are above 500")
    assert caught.value.subject == "dashboard"


@pytest.mark.parametrize("target", ["", "ten", "nan", float("inf"), True, [10], {"order": 10}])
def test_a_target_that_is_no_number_is_told_by_its_service(target: object) -> None:
    (error,) = errors(autoscaling_groups=GROUPS, backlog_targets={"payment": target})
    assert error.startswith("backlog_targets.payment: ")


def test_a_target_may_be_a_number_in_text_or_left_open() -> None:
    given = {"payment": "10", "order": None}
    assert widgets(autoscaling_groups=GROUPS, backlog_targets=given) == widgets(
        autoscaling_groups=GROUPS, backlog_targets={"payment": 10}
    )


def test_all_unknown_names_are_told() -> None:
    found = errors(autoscaling_groups={"x": "a"}, backlog_targets={"y": 1}, queues=["z", "order"])
    assert [error.split(": ")[0] for error in found] == ["autoscaling_groups.x", "backlog_targets.y", "queues"]
    assert "there are order, payment, notification" in found[0]
    assert "'z'; there are dlq, dlq-fifo, order, payment, notification" in found[2]


@pytest.mark.parametrize("name", ["a", "A-b_9", "x" * 255])
def test_names_that_cloudwatch_takes(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize("name", ["", "a b", "ä", "x" * 256])
def test_names_that_it_refuses(name: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        check_name(name)
    (error,) = caught.value.errors
    assert error.startswith(f"name: '{name[:20]}")
    assert caught.value.subject == "dashboard"


@settings(max_examples=40)
@given(good())
def test_widgets_of_any_topology_lie_on_the_grid_and_do_not_overlap(declared: dict[str, Any]) -> None:
    body = dashboard_body(dict(expand(declared, region=REGION, account_id="123456789012")))
    taken: set[tuple[int, int]] = set()
    for widget in body["widgets"]:
        assert widget["x"] + widget["width"] <= 24
        cells = {
            (widget["x"] + dx, widget["y"] + dy) for dx in range(widget["width"]) for dy in range(widget["height"])
        }
        assert not cells & taken
        taken |= cells
    assert json.loads(json.dumps(body)) == body
