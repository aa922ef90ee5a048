# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scaling policies of a topology, and the metric math that they scale on."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.ecommerce.sqs.plugins.module_utils._problems import InvalidInputError
from ansible_collections.ecommerce.sqs.plugins.module_utils._topology.expand import expand
from ansible_collections.ecommerce.sqs.plugins.module_utils._topology.scaling import backlog_queries, scaling_policies
from ansible_collections.ecommerce.sqs.tests.unit.support.topologies import default

QUEUE = "ecommerce-order-queue"


def policies(groups: Any, **queues: dict[str, Any]) -> list[dict[str, Any]]:
    topology = default()
    for key, changes in queues.items():
        topology["queues"][key].update(changes)
    topology["services"]["shop"] = {"produces": ["order"], "consumes": ["notification", "payment"]}
    topology["services"]["site"] = {"produces": ["order"]}
    return scaling_policies(expand(topology, region="eu-west-1"), groups)


def test_a_service_of_one_queue_has_one_policy() -> None:
    settings = {"autoscaling_group": "asg", "target_value": 10}
    assert policies({"payment": settings}) == [
        {
            "name": "backlog-per-instance",
            "drain": {"heartbeat_timeout": 300},
            "autoscaling_group": "asg",
            "target_value": 10,
            "queue_name": QUEUE,
        }
    ]


def test_a_service_of_several_has_one_for_each_and_time_for_the_slowest() -> None:
    first, second = policies({"shop": {"autoscaling_group": "asg", "form": "queue_depth"}})
    assert (first["name"], first["queue_name"]) == (
        "notification-scale-up-on-queue-depth",
        "ecommerce-notification-queue",
    )
    assert (second["name"], second["queue_name"]) == (
        "payment-scale-up-on-queue-depth",
        "ecommerce-payment-queue.fifo",
    )
    assert first["drain"] == second["drain"] == {"heartbeat_timeout": 300}


def test_what_is_said_of_a_group_goes_before_what_follows() -> None:
    (policy,) = policies({"payment": {"autoscaling_group": "asg", "name": "ours", "drain": None, "queue_name": "x"}})
    assert (policy["name"], policy["drain"], policy["queue_name"]) == ("ours", None, QUEUE)


@pytest.mark.parametrize(
    ("queue", "seconds"),
    [
        ({"visibility_timeout": 2, "receive_message_wait_time_seconds": 0}, 30),
        ({"visibility_timeout": 43200}, 7200),
        ({"visibility_timeout": 43200, "handler_deadline": 7170}, 7200),
        ({"visibility_timeout": 43200, "handler_deadline": 7169}, 7199),
        ({"visibility_timeout": 40, "handler_deadline": 21, "receive_message_wait_time_seconds": 0}, 31),
    ],
)
def test_a_hook_stays_within_what_autoscaling_takes(queue: dict[str, Any], seconds: int) -> None:
    (policy,) = policies({"payment": {"autoscaling_group": "asg"}}, order=queue)
    assert policy["drain"] == {"heartbeat_timeout": seconds}


def test_all_faults_are_told_with_their_paths() -> None:
    with pytest.raises(InvalidInputError) as caught:
        policies(
            {
                "payment": "asg",
                "order": {"autoscaling_group": ""},
                "nobody": {"autoscaling_group": "asg"},
                "site": {"autoscaling_group": "asg"},
                "notification": {"autoscaling_group": "asg"},
            }
        )
    errors = caught.value.errors
    assert [error.split(": ")[0] for error in errors] == [
        "groups.payment",
        "groups.order",
        "groups.nobody",
        "groups.site",
    ]
    assert "has to be a mapping with autoscaling_group" in errors[0]
    assert "there are order, payment, notification, shop, site" in errors[2]
    assert "consumes no queue" in errors[3]
    assert caught.value.subject == "scaling_policies"


def test_the_backlog_is_of_all_messages_for_each_instance() -> None:
    result, waiting, in_flight, instances = backlog_queries(QUEUE, "asg")
    assert result == {
        "Id": "backlog",
        "Expression": "(waiting + FILL(in_flight,0)) / IF(FILL(instances,0)>0, instances, 1)",
        "Label": "backlog per instance",
        "ReturnData": True,
    }

    def query(name: str, metric: dict[str, Any], stat: str) -> dict[str, Any]:
        return {"Id": name, "MetricStat": {"Metric": metric, "Stat": stat}, "ReturnData": False}

    of_queue = {"Namespace": "AWS/SQS", "Dimensions": [{"Name": "QueueName", "Value": QUEUE}]}
    assert waiting == query("waiting", {**of_queue, "MetricName": "ApproximateNumberOfMessagesVisible"}, "Sum")
    assert in_flight == query("in_flight", {**of_queue, "MetricName": "ApproximateNumberOfMessagesNotVisible"}, "Sum")
    assert instances == query(
        "instances",
        {
            "Namespace": "AWS/AutoScaling",
            "MetricName": "GroupInServiceInstances",
            "Dimensions": [{"Name": "AutoScalingGroupName", "Value": "asg"}],
        },
        "Average",
    )
