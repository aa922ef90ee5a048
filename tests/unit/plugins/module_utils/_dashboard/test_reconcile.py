# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module dashboard: create, modify, delete x check mode, real, repeated; what is on it."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from moto import mock_aws

from ansible_collections.ecommerce.sqs.plugins.module_utils._dashboard.reconcile import reconcile
from ansible_collections.ecommerce.sqs.plugins.module_utils._problems import InvalidInputError
from ansible_collections.ecommerce.sqs.plugins.module_utils._topology.dashboard import dashboard_body
from ansible_collections.ecommerce.sqs.plugins.module_utils._topology.expand import expand
from ansible_collections.ecommerce.sqs.tests.unit.support.strict_aws import ACCOUNT, REGION, StrictAws
from ansible_collections.ecommerce.sqs.tests.unit.support.topologies import default, good


@pytest.fixture(autouse=True)
def _moto():
    with mock_aws():
        yield


def run(aws=None, check_mode=False, **changes):
    parameters = {
        "name": "shop",
        "state": "present",
        "topology": default(),
        "autoscaling_groups": {},
        "backlog_targets": {},
        "queues": None,
        "body": None,
        **changes,
    }
    aws = aws or StrictAws()
    aws.check_mode = check_mode
    return reconcile(parameters, aws), aws


def grid(write, **changes):
    expected, aws = run(check_mode=True, **changes)
    assert aws.writes == []
    done, aws = run(**changes)
    assert aws.writes == [write]
    assert expected == done
    again, aws = run(**changes)
    assert aws.writes == []
    assert not again["changed"]
    return done


def of(**changes):
    topology = expand(default(), region=REGION, account_id=ACCOUNT)
    return {widget["properties"]["title"]: widget for widget in dashboard_body(topology, **changes)["widgets"]}


def test_made_changed_and_removed():
    grid("PutDashboard")
    grid("PutDashboard", autoscaling_groups={"payment": "payment-service-asg"})
    grid("DeleteDashboards", state="absent")


def test_a_dashboard_is_compared_by_content():
    done, _aws = run()
    StrictAws().client("cloudwatch").put_dashboard(
        DashboardName="shop", DashboardBody=json.dumps(done["body"], indent=4, sort_keys=True)
    )
    _done, aws = run()
    assert aws.writes == []


def test_a_body_of_ones_own():
    body = {"widgets": [{"type": "text", "x": 0, "y": 0, "width": 3, "height": 3, "properties": {"markdown": "x"}}]}
    assert grid("PutDashboard", topology=None, body=body)["widgets"] == 1


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


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"autoscaling_groups": {"paiment": "x"}}, "autoscaling_groups.paiment: there is no such service"),
        ({"queues": ["odrer"]}, "queues: there is no queue 'odrer'"),
        ({"name": "my shop"}, "name: 'my shop' has other characters than"),
    ],
)
def test_bad_input_is_named(changes, error):
    aws = StrictAws()
    with pytest.raises(InvalidInputError) as caught:
        run(aws=aws, **changes)
    assert error in str(caught.value)
    assert aws.writes == []


def test_too_many_queues_are_refused_with_the_way_out_and_some_can_be_chosen():
    many = {f"queue{number}": {"external_consumer": True} for number in range(200)}
    topology = {"prefix": "many", "queues": many}
    with pytest.raises(InvalidInputError, match="are above 500; choose fewer queues"):
        run(topology=topology)
    assert run(topology=topology, queues=["queue1", "dlq"])[0]["widgets"] == 1 + 3 + 2


def test_a_missing_permission_to_read_is_never_taken_for_no_dashboard():
    aws = StrictAws()
    aws.refuse("GetDashboard", "AccessDenied", "User is not authorized")
    with pytest.raises(ClientError, match="AccessDenied"):
        run(aws=aws)
    assert aws.writes == []


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
