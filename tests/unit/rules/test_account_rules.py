# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""What IAM, EC2, CloudWatch and Auto Scaling do and their stand-ins do not: each rule, its source and its test.

The table below names tests that stand with the module that they are about; docs/aws-account-rules.md shows it.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
from collections.abc import Callable
from unittest import mock

import boto3
import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from botocore.awsrequest import AWSResponse
from moto import mock_aws
from urllib3 import HTTPResponse

from ansible_collections.ecommerce.sqs.tests.checkout import ROOT
from ansible_collections.ecommerce.sqs.tests.unit.plugins.module_utils._alarms import test_reconcile as test_alarms
from ansible_collections.ecommerce.sqs.tests.unit.plugins.module_utils._associations import (
    test_api as test_associations_api,
)
from ansible_collections.ecommerce.sqs.tests.unit.plugins.module_utils._associations import (
    test_reconcile as test_associations,
)
from ansible_collections.ecommerce.sqs.tests.unit.plugins.module_utils._dashboard import (
    test_reconcile as test_dashboard,
)
from ansible_collections.ecommerce.sqs.tests.unit.plugins.module_utils._instance_profiles import (
    test_api as test_instance_profiles_api,
)
from ansible_collections.ecommerce.sqs.tests.unit.plugins.module_utils._instance_profiles import (
    test_reconcile as test_instance_profiles,
)
from ansible_collections.ecommerce.sqs.tests.unit.plugins.module_utils._scaling import test_reconcile as test_scaling
from ansible_collections.ecommerce.sqs.tests.unit.plugins.module_utils._topology import (
    test_alarms as test_alarm_defaults,
)
from ansible_collections.ecommerce.sqs.tests.unit.plugins.module_utils._topology import test_policies
from ansible_collections.ecommerce.sqs.tests.unit.plugins.module_utils._vpc_endpoint import (
    test_reconcile as test_vpc_endpoint,
)
from ansible_collections.ecommerce.sqs.tests.unit.support.strict_aws import REGION, StrictAws
from ansible_collections.ecommerce.sqs.tests.unit.support.topologies import default

TABLE = ROOT / "docs" / "aws-account-rules.md"

Arguments = dict[str, object]


def run_module(name: str, aws: StrictAws, arguments: Arguments) -> dict[str, object]:
    """Run a module's main() in this process with the clients of ``aws``; return its result."""
    module = importlib.import_module(f"ansible_collections.ecommerce.sqs.plugins.modules.{name}")
    output = io.StringIO()
    with (
        patch_module_args({"region": REGION, **arguments}),
        mock.patch.object(AnsibleAWSModule, "client", lambda _self, kind, **_more: aws.client(kind)),
        contextlib.redirect_stdout(output),
        contextlib.suppress(SystemExit),
    ):
        module.main()
    result: dict[str, object] = json.loads(output.getvalue())
    return result


@pytest.mark.parametrize(
    ("module", "arguments", "operation", "action"),
    [
        ("instance_profile", {"topology": default()}, "GetRole", "iam:GetRole"),
        ("instance_profile", {"topology": default()}, "GetPolicy", "iam:GetPolicy"),
        ("instance_profile", {"topology": default()}, "CreateRole", "iam:CreateRole"),
        (
            "instance_profile_association",
            {"associations": [{"instance_id": "i-01234567", "instance_profile": "p"}]},
            "DescribeInstances",
            "ec2:DescribeInstances",
        ),
        ("alarms", {"topology": default()}, "DescribeAlarms", "cloudwatch:DescribeAlarms"),
        ("dashboard", {"name": "d", "topology": default()}, "GetDashboard", "cloudwatch:GetDashboard"),
        (
            "scaling_policy",
            {"scaling_policies": [{"autoscaling_group": "g", "queue_name": "q", "target_value": 1}]},
            "DescribeAutoScalingGroups",
            "autoscaling:DescribeAutoScalingGroups",
        ),
        ("vpc_endpoint", {"vpc_id": "vpc-01234567"}, "DescribeVpcEndpoints", "ec2:DescribeVpcEndpoints"),
    ],
)
def test_a_missing_permission_is_named_with_its_action(module, arguments, operation, action):
    with mock_aws():
        aws = StrictAws()
        aws.refuse(operation, "AccessDenied", f"User is not authorized to perform: {action}")
        result = run_module(module, aws, arguments)
    assert result["failed"]
    assert str(result["msg"]).startswith(f"not allowed to call {action}: add {action} to the policy of the caller")
    assert "exception" not in result


class Throttling:
    """Answers the first so many requests of a client as a throttled IAM does."""

    def __init__(self, times: int) -> None:
        self.left = times

    def __call__(self, request, **_unused):
        if self.left == 0:
            return None
        self.left -= 1
        body = b"<ErrorResponse><Error><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>"
        raw = HTTPResponse(io.BytesIO(body), preload_content=False)
        return AWSResponse(request.url, 400, {"Content-Type": "text/xml"}, raw)


def test_throttling_slows_down_and_does_not_fail():
    """The real configuration of connect(), on a client whose first requests are throttled."""
    throttling = Throttling(3)

    class Throttled(StrictAws):
        config = None

        def client(self, service):
            if service != "iam":
                return super().client(service)
            if service not in self.made:
                keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
                client = boto3.client(service, region_name=REGION, config=self.config, **keys)
                client.meta.events.register_first("before-send", throttling)
                self.made[service] = client
            return self.made[service]

    aws = Throttled()

    def client(_self, kind, config=None, **_more):
        aws.config = config
        return aws.client(kind)

    output = io.StringIO()
    module = importlib.import_module("ansible_collections.ecommerce.sqs.plugins.modules.instance_profile")
    with (
        mock_aws(),
        mock.patch("botocore.endpoint.time.sleep"),
        patch_module_args({"region": REGION, "topology": default()}),
        mock.patch.object(AnsibleAWSModule, "client", client),
        contextlib.redirect_stdout(output),
        contextlib.suppress(SystemExit),
    ):
        module.main()
    result = json.loads(output.getvalue())
    assert result["changed"], result
    assert throttling.left == 0


RULES: list[tuple[str, str, Callable[..., None]]] = [
    (
        "EC2 knows a new instance profile up to two minutes later than IAM (Invalid IAM Instance Profile name)",
        "EC2 User Guide: iam-roles-for-amazon-ec2.html",
        test_associations_api.test_a_profile_that_ec2_does_not_know_yet_is_tried_again,
    ),
    (
        "... and where it never does, the error says what to look for",
        "EC2 User Guide: iam-roles-for-amazon-ec2.html",
        test_associations.test_a_profile_that_ec2_never_knows_is_an_error_with_the_way_out,
    ),
    (
        "... while any other refusal is told at once",
        "API_AssociateIamInstanceProfile.html",
        test_associations_api.test_another_refusal_is_not_tried_again,
    ),
    (
        "A profile is attached and swapped while the instance runs",
        "API_ReplaceIamInstanceProfileAssociation.html",
        test_associations.test_running_instances_get_their_profiles_and_keep_running,
    ),
    (
        "An association goes through associating; it is awaited, and named where it does not end",
        "API_IamInstanceProfileAssociation.html",
        test_associations.test_an_association_that_does_not_end_is_named_with_the_way_out,
    ),
    (
        "A managed policy keeps five versions (LimitExceeded)",
        "IAM User Guide: reference_iam-quotas.html",
        test_instance_profiles.test_the_sixth_version_of_a_policy_takes_the_place_of_the_oldest,
    ),
    (
        "A managed policy has at most 6,144 characters, the inline ones of a role 10,240",
        "IAM User Guide: reference_iam-quotas.html",
        test_instance_profiles.test_bad_input_is_refused_with_its_path_before_any_call,
    ),
    (
        "What is still attached cannot be deleted (DeleteConflict)",
        "API_DeleteRole.html",
        test_instance_profiles.test_removal_goes_in_the_order_that_iam_asks_for,
    ),
    (
        "... and counts as attached for some seconds more",
        "IAM User Guide: troubleshoot.html, eventual consistency",
        test_instance_profiles_api.test_a_delete_conflict_of_a_moment_is_waited_out,
    ),
    (
        "A policy of a moment ago may not be known where it is attached (NoSuchEntity)",
        "IAM User Guide: troubleshoot.html, eventual consistency",
        test_instance_profiles_api.test_a_policy_that_is_not_known_yet_is_attached_a_little_later,
    ),
    (
        "IAM deletes a profile that instances use, and they lose their rights",
        "API_DeleteInstanceProfile.html",
        test_instance_profiles.test_a_profile_in_use_is_not_removed_unless_forced,
    ),
    (
        "A queue policy whose principal does not exist is refused",
        "IAM User Guide: reference_policies_elements_principal.html",
        test_policies.test_no_principal_has_to_exist_before_the_queue,
    ),
    (
        "A queue policy has at most 8,192 bytes",
        "SQS Developer Guide: quotas-policies.html",
        test_policies.test_a_queue_policy_over_the_limit_names_the_queue_and_the_way_out,
    ),
    (
        "China has a partition and a domain of its own",
        "IAM User Guide: reference-arns.html",
        test_policies.test_china_has_its_own_partition_and_domain,
    ),
    (
        "DescribeAlarms gives a hundred alarms a page",
        "API_DescribeAlarms.html",
        test_alarms.test_the_alarms_of_400_queues_are_read_in_a_handful_of_pages,
    ),
    (
        "PutMetricAlarm replaces an alarm as a whole",
        "API_PutMetricAlarm.html",
        test_alarms.test_every_setting_reaches_an_alarm_that_exists_and_goes_back_when_it_is_no_longer_said,
    ),
    (
        "PutMetricAlarm ignores tags of an alarm that exists",
        "API_PutMetricAlarm.html",
        test_alarms.test_a_changed_alarm_gets_the_tags_by_a_call_of_their_own,
    ),
    (
        "An alarm is evaluated over a day at most, over a week where its periods are an hour or longer",
        "API_PutMetricAlarm.html",
        test_alarm_defaults.test_a_wrong_setting_is_named,
    ),
    (
        "A topic whose key CloudWatch may not use loses every notification",
        "CloudWatch User Guide: Notify_Users_Alarm_Changes.html",
        test_alarms.test_a_topic_whose_key_refuses_cloudwatch_is_an_error_that_says_so,
    ),
    (
        "CloudWatch acts on a change of the state only",
        "API_SetAlarmState.html",
        test_alarms.test_an_alarm_that_is_on_already_is_tested_by_a_new_change,
    ),
    (
        "PutDashboard replaces the whole body, and gives it back as it was written",
        "API_PutDashboard.html",
        test_dashboard.test_a_dashboard_is_compared_by_content,
    ),
    (
        "A dashboard has at most 500 widgets",
        "CloudWatch User Guide: cloudwatch_limits.html",
        test_dashboard.test_too_many_queues_are_refused_with_the_way_out_and_some_can_be_chosen,
    ),
    (
        "Group metrics have no data until their collection is switched on",
        "API_EnableMetricsCollection.html",
        test_scaling.test_metrics_come_first_and_then_hook_and_policy,
    ),
    (
        "A lifecycle hook holds an instance for 30 to 7,200 seconds",
        "API_PutLifecycleHook.html",
        test_scaling.test_bad_input_is_named_before_any_call,
    ),
    (
        "A VPC endpoint is changed by what is added and what is removed",
        "API_ModifyVpcEndpoint.html",
        test_vpc_endpoint.test_made_changed_and_removed,
    ),
    (
        "A denied call is an error that names the action, never read as nothing there",
        "least surprise",
        test_a_missing_permission_is_named_with_its_action,
    ),
    (
        "Calls are throttled (Throttling): slower, never failed",
        "IAM API: CommonErrors.html",
        test_throttling_slows_down_and_does_not_fail,
    ),
]


def test_the_documented_table_is_this_one():
    rows = [
        f"| {rule} | {source} | `{'/'.join(test.__module__.split('.')[-2:])}`: `{test.__name__}` |"
        for rule, source, test in RULES
    ]
    written = [line for line in TABLE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    assert written[2:] == rows
