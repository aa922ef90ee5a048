# SPDX-License-Identifier: GPL-3.0-or-later
"""Payloads above SQS's size limit, kept in S3 and pointed to, as the Amazon SQS Extended Client Libraries do it."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from typing import Any
from uuid import uuid4

import botocore.exceptions

from sqs_worker.client import botocore_client
from sqs_worker.errors import FatalError, RetryableError
from sqs_worker.layers.middleware import Next
from sqs_worker.message import Message

POINTER_CLASS = "software.amazon.payloadoffloading.PayloadS3Pointer"
SIZE_ATTRIBUTES = ("ExtendedPayloadSize", "SQSLargePayloadSize")  # today's name, and that of older libraries
GONE = ("NoSuchKey", "NoSuchBucket", "404")


def pointer(bucket: str, key: str) -> str:
    """The body of a message whose payload is in S3."""
    return json.dumps([POINTER_CLASS, {"s3BucketName": bucket, "s3Key": key}], separators=(",", ":"))


def parse_pointer(body: str) -> tuple[str, str]:
    """Bucket and key a body points to; raises FatalError when it is no pointer."""
    try:
        _unused, place = json.loads(body)
        return str(place["s3BucketName"]), str(place["s3Key"])
    except (ValueError, TypeError, KeyError) as error:
        raise FatalError(f"malformed body: marked as a payload in S3, but no pointer: {error}") from error


class PayloadStore:
    """Fetches and stores payloads in one bucket. Pointers elsewhere are refused: a message is no order to read."""

    def __init__(self, bucket: str | None, max_bytes: int, client: Any = None) -> None:
        self._bucket = bucket
        self._max_bytes = max_bytes
        self._client = client

    async def middleware(self, message: Message, call_next: Next) -> None:
        """Hand the payload on instead of the pointer; settling still concerns the original message."""
        if message.message_attributes and any(name in message.message_attributes for name in SIZE_ATTRIBUTES):
            payload = await asyncio.to_thread(self.fetch, message.body)
            message = dataclasses.replace(message, body=payload)
        await call_next(message)

    def fetch(self, body: str) -> str:
        """The payload a body points to; raises FatalError when it can never be had, RetryableError otherwise."""
        bucket, key = parse_pointer(body)
        if bucket != self._bucket:
            ours = self._bucket or "not set"
            raise FatalError(f"payload is in bucket {bucket}, but SQS_WORKER_PAYLOAD_BUCKET is {ours}")
        try:
            answer = self._s3().get_object(Bucket=bucket, Key=key)
            size = answer["ContentLength"]
            payload = answer["Body"].read() if size <= self._max_bytes else None
        except botocore.exceptions.ClientError as error:
            if error.response["Error"]["Code"] in GONE:
                raise FatalError(f"payload s3://{bucket}/{key} is gone: {error}") from error
            raise RetryableError(f"payload s3://{bucket}/{key}: {error}") from error
        except botocore.exceptions.BotoCoreError as error:
            raise RetryableError(f"payload s3://{bucket}/{key}: {error}") from error
        if payload is None:
            raise FatalError(f"payload of {size} bytes is above SQS_WORKER_PAYLOAD_MAX_BYTES ({self._max_bytes})")
        try:
            return str(payload.decode())
        except UnicodeDecodeError as error:
            raise FatalError(f"malformed body: payload s3://{bucket}/{key} is not UTF-8") from error

    def store(self, text: str) -> str:
        """Store a payload and return the body that points to it."""
        if self._bucket is None:
            raise ValueError("no bucket for payloads above SQS's limit")
        key = str(uuid4())
        self._s3().put_object(Bucket=self._bucket, Key=key, Body=text.encode())
        return pointer(self._bucket, key)

    def _s3(self) -> Any:
        if self._client is None:
            self._client = botocore_client("s3")
        return self._client
