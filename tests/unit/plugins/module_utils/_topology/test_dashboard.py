# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is on the dashboard of a topology, and where."""

from __future__ import annotations

import json

from hypothesis import given, settings

from ansible_collections.ecommerce.sqs.plugins.module_utils._topology.dashboard import dashboard_body
from ansible_collections.ecommerce.sqs.plugins.module_utils._topology.expand import expand
from ansible_collections.ecommerce.sqs.tests.unit.support.strict_aws import ACCOUNT, REGION
from ansible_collections.ecommerce.sqs.tests.unit.support.topologies import default, good


def of(**changes):
    topology = expand(default(), region=REGION, account_id=ACCOUNT)
    return {widget["properties"]["title"]: widget for widget in dashboard_body(topology, **changes)["widgets"]}


def test_every_queue_is_there_with_its_objective():
    widgets = of()
    for name in ("order-queue", "payment-queue.fifo", "notification-queue"):
        age = widgets[f"ecommerce-{name}: age"]["properties"]
        assert age["metrics"][0][:4] == ["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", f"ecommerce-{name}"]
        assert f"ecommerce-{name}: per minute" in widgets
    assert widgets["ecommerce-order-queue: age"]["properties"]["annotations"]["horizontal"][0]["value"] == 600
    assert widgets["ecommerce-dlq.fifo: age"]["properties"]["annotations"]["horizontal"][0]["value"] == 907200
    alarms = widgets["Alarms"]["properties"]["alarms"]
    assert f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:high-order-queue-depth" in alarms


def test_a_group_is_shown_beside_the_queue_that_it_scales_on():
    widgets = of(autoscaling_groups={"payment": "payment-service-asg"}, backlog_targets={"payment": 100})
    backlog = widgets["ecommerce-order-queue: backlog per instance"]["properties"]
    assert backlog["annotations"]["horizontal"] == [{"label": "target", "value": 100.0}]
    assert backlog["metrics"][0][0]["expression"].startswith("(waiting + FILL(in_flight,0))")
    assert [metric[-1]["visible"] for metric in backlog["metrics"][1:]] == [False] * 3
    assert "payment-service-asg: instances" in widgets


@settings(max_examples=40)
@given(good())
def test_widgets_of_any_topology_lie_on_the_grid_and_do_not_overlap(declared):
    body = dashboard_body(expand(declared, region=REGION, account_id=ACCOUNT))
    taken = set()
    for widget in body["widgets"]:
        assert widget["x"] + widget["width"] <= 24
        cells = {
            (widget["x"] + dx, widget["y"] + dy) for dx in range(widget["width"]) for dy in range(widget["height"])
        }
        assert not cells & taken
        taken |= cells
    assert json.loads(json.dumps(body)) == body
