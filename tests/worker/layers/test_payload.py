# SPDX-License-Identifier: GPL-3.0-or-later
"""Payloads in S3."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws
from support.producing import URL, Client

from sqs_worker import FatalError, Message, Producer, RetryableError
from sqs_worker.batch import MAX_BATCH_BYTES
from sqs_worker.layers.payload import PayloadStore, parse_pointer


def test_a_payload_above_the_limit_goes_by_s3_and_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    with mock_aws():
        payload_there_and_back()


def payload_there_and_back() -> None:
    s3 = boto3.client("s3", region_name="us-east-1")
    s3.create_bucket(Bucket="payloads")
    client, body, seen = Client(), "ø" * MAX_BATCH_BYTES, list[str]()
    Producer(URL, client=client, payload_bucket="payloads").send(body)
    (entry,) = client.sent
    assert len(entry["MessageBody"]) < 300
    assert json.loads(entry["MessageBody"])[0] == "software.amazon.payloadoffloading.PayloadS3Pointer"
    message = Message(entry["MessageBody"], "m", message_attributes=entry["MessageAttributes"])

    async def handle(whole: Message) -> None:
        seen.append(whole.body)

    store = PayloadStore("payloads", 10_000_000, client=s3)
    asyncio.run(store.middleware(message, handle))
    assert seen == [body]
    with pytest.raises(FatalError, match="above SQS_WORKER_PAYLOAD_MAX_BYTES"):
        PayloadStore("payloads", 1000, client=s3).fetch(message.body)
    with pytest.raises(FatalError, match="SQS_WORKER_PAYLOAD_BUCKET is not set"):
        PayloadStore(None, 1000, client=s3).fetch(message.body)
    s3.delete_object(Bucket="payloads", Key=parse_pointer(message.body)[1])
    with pytest.raises(FatalError, match="is gone"):
        store.fetch(message.body)


def test_a_bucket_that_does_not_answer_is_tried_again() -> None:
    class Down:
        def get_object(self, **_arguments: Any) -> Any:
            raise EndpointConnectionError(endpoint_url="https://s3.example")

    with pytest.raises(RetryableError):
        PayloadStore("b", 10, client=Down()).fetch('["x",{"s3BucketName":"b","s3Key":"k"}]')


@given(st.text())
def test_any_body_is_a_pointer_or_fatal(body: str) -> None:
    try:
        parse_pointer(body)
    except FatalError as error:
        assert "no pointer" in str(error)
