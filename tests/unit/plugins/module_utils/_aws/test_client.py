# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user reads when AWS refuses, and how calls are made side by side."""

from __future__ import annotations

import io
import threading
import time
from unittest import mock

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError

from ansible_collections.ecommerce.sqs.plugins.module_utils._aws.client import (
    WORKERS,
    AwsCallError,
    CallCounter,
    concurrently,
    connect,
    explain,
)

CLIENTS = [boto3.client(name, region_name="eu-west-1") for name in ("iam", "cloudwatch", "sqs")]


def refused(code, operation, message="no"):
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (refused("AccessDenied", "GetRole"), "not allowed to call iam:GetRole: add iam:GetRole to the policy"),
        (refused("AccessDeniedException", "PutMetricAlarm"), "not allowed to call cloudwatch:PutMetricAlarm"),
        (refused("Client.UnauthorizedOperation", "GetRole"), "not allowed to call iam:GetRole"),
        (
            refused("AccessDenied", "SendMessageBatch"),
            "not allowed to call sqs:SendMessageBatch: add sqs:SendMessage to",
        ),
        (
            refused("AccessDenied", "AddRoleToInstanceProfile", "ann is not authorized to perform: iam:PassRole on x"),
            "not allowed to call iam:AddRoleToInstanceProfile: add iam:PassRole to the policy",
        ),
        (refused("ExpiredToken", "GetRole"), "AWS refuses the credentials at iam:GetRole: renew or correct them"),
        (refused("LimitExceeded", "CreatePolicyVersion", "5 versions"), "iam:CreatePolicyVersion failed with"),
        (NoCredentialsError(), "AWS credentials are missing"),
        (EndpointConnectionError(endpoint_url="http://127.0.0.1:1"), "AWS_ENDPOINT_URL"),
    ],
)
def test_an_error_names_the_action_and_the_way_out(error, says):
    message = explain(error, CLIENTS)
    assert says in message
    assert "\n" not in message


def test_results_keep_the_order_of_the_items():
    assert concurrently(lambda number: number * 2, range(50)) == [number * 2 for number in range(50)]


def test_the_pool_is_bounded_and_an_error_waits_for_the_others():
    gate = threading.Semaphore(WORKERS)
    begun, finished = [], []

    def work(number):
        assert gate.acquire(blocking=False)
        begun.append(number)
        try:
            if number == 0:
                raise refused("AccessDenied", "GetRole")
            finished.append(number)
        finally:
            gate.release()

    with pytest.raises(ClientError):
        concurrently(work, range(40))
    assert sorted(finished) == sorted(begun)[1:]


class ModuleOfNowhere:
    """An AnsibleAWSModule whose endpoint is a port that nobody listens on."""

    def client(self, service, config):
        return boto3.client(
            service,
            region_name="ap-southeast-1",
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
            endpoint_url="http://127.0.0.1:9",
            config=config,
        )


def test_an_endpoint_that_never_answered_is_given_up_soon():
    counter = CallCounter()
    client = connect(ModuleOfNowhere(), "sqs", counter)
    with mock.patch.object(time, "sleep") as paused, pytest.raises(EndpointConnectionError) as caught:
        client.list_queues()
    assert counter.as_dict() == {"ListQueues": 3}
    assert sum(call.args[0] for call in paused.call_args_list) <= 5
    assert "does not answer" in explain(caught.value, [client])


class Answering:
    """An AnsibleAWSModule whose clients get one answer, whatever they ask."""

    def __init__(self, status, body):
        self.answer = AWSResponse("http://127.0.0.1", status, {}, io.BytesIO(body))
        self.answer._content = body

    def client(self, service, config):
        client = ModuleOfNowhere().client(service, config)
        client.meta.events.register("before-send", lambda **_given: self.answer)
        return client


PAGE = b"<!DOCTYPE html><html><body>Log in to the network \xff</body></html>"


@pytest.mark.parametrize("body", [b"", PAGE, b"<html></html>"])
@pytest.mark.parametrize(
    ("service", "method"),
    [
        ("sqs", "list_queues"),
        ("cloudwatch", "describe_alarms"),
        ("iam", "list_roles"),
        ("ec2", "describe_instances"),
        ("autoscaling", "describe_auto_scaling_groups"),
        ("sts", "get_caller_identity"),
    ],
)
def test_an_answer_that_is_not_of_aws_is_refused_in_one_message(service, method, body):
    with pytest.raises(AwsCallError, match=r"is not AWS \(status 200, .*AWS_ENDPOINT_URL"):
        getattr(connect(Answering(200, body), service), method)()


@pytest.mark.parametrize("service", ["iam", "ec2"])
def test_a_refusal_that_is_not_of_aws_is_refused_in_one_message(service):
    method = {"iam": "list_roles", "ec2": "describe_instances"}[service]
    with pytest.raises(AwsCallError, match=r"is not AWS \(status 403"):
        getattr(connect(Answering(403, PAGE), service), method)()


def test_an_answer_without_content_is_one_where_none_is_due():
    client = connect(Answering(200, b""), "sqs")
    client.delete_queue(QueueUrl="http://127.0.0.1/123456789012/q")
    assert connect(Answering(200, b"{}"), "sqs").list_queues().get("QueueUrls", []) == []
