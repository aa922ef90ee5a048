"""Module dashboard: create, modify, delete x check mode, real, repeated; what is on it."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from ansible_collections.ecommerce.sqs.plugins.module_utils._dashboard.reconcile import reconcile
from ansible_collections.ecommerce.sqs.plugins.module_utils._problems import InvalidInputError
from ansible_collections.ecommerce.sqs.tests.unit.support.grid import three_runs
from ansible_collections.ecommerce.sqs.tests.unit.support.strict_aws import StrictAws
from ansible_collections.ecommerce.sqs.tests.unit.support.topologies import default


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
    done, made = three_runs(run, **changes)
    assert made == [write]
    return done


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


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"autoscaling_groups": {"paiment": "x"}}, "autoscaling_groups.paiment: there is no such service"),
        ({"queues": ["odrer"]}, "queues: there is no queue 'odrer'"),
        ({"name": "my shop"}, "name: 'my shop' has other characters than"),
    ],
)
def test_bad_input_is_named_before_any_call(changes, error):
    aws = StrictAws()
    with pytest.raises(InvalidInputError) as caught:
        run(aws=aws, **changes)
    assert error in str(caught.value)
    assert aws.calls == []


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
