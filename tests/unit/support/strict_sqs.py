# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: N802, N803 - methods and arguments carry the names of AWS's operations and parameters
"""An SQS that is as strict as AWS's, for what emulators accept or lack.

It answers a real boto3 client below its retries and its parser, so that a test sees what a module would see: codes
in both spellings, throttling that is retried, attributes that are read back late. Time is virtual.
"""

from __future__ import annotations

import io
import json
import threading
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import boto3
import botocore.session
from botocore.awsrequest import AWSResponse
from botocore.config import Config

ACCOUNT = "123456789012"
REGION = "ap-southeast-1"
READS = {
    "ListQueues",
    "GetQueueUrl",
    "GetQueueAttributes",
    "ListQueueTags",
    "ListDeadLetterSourceQueues",
    "ListMessageMoveTasks",
}

_RANGES = {
    "VisibilityTimeout": (0, 43200),
    "MessageRetentionPeriod": (60, 1209600),
    "ReceiveMessageWaitTimeSeconds": (0, 20),
    "DelaySeconds": (0, 900),
    "MaximumMessageSize": (1024, 1048576),
    "KmsDataKeyReusePeriodSeconds": (60, 86400),
}
_FIFO_ONLY = {"ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit"}
_READ_ONLY = {
    "All",
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
    "CreatedTimestamp",
    "LastModifiedTimestamp",
    "QueueArn",
}
_MODEL = botocore.session.get_session().get_service_model("sqs")
SETTABLE = set(_MODEL.shape_for("QueueAttributeName").enum) - _READ_ONLY
"""Names of attributes that can be set, by AWS's own description of the service."""
_DEFAULTS = {
    "VisibilityTimeout": "30",
    "MessageRetentionPeriod": "345600",
    "ReceiveMessageWaitTimeSeconds": "0",
    "DelaySeconds": "0",
    "MaximumMessageSize": "1048576",
    "SqsManagedSseEnabled": "true",
}
_CLEARABLE = {"Policy", "RedrivePolicy", "RedriveAllowPolicy", "KmsMasterKeyId"}


class RefusedError(Exception):
    """An answer other than 200."""

    def __init__(self, code: str, message: str, *, query_code: str | None = None, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.message, self.query_code, self.status = code, message, query_code or code, status


def no_such_queue() -> RefusedError:
    return RefusedError(
        "QueueDoesNotExist",
        "The specified queue does not exist.",
        query_code="AWS.SimpleQueueService.NonExistentQueue",
    )


@dataclass
class FakeQueue:
    """One queue; ``shown`` is what reads answer, which lags behind ``attributes``."""

    attributes: dict[str, str]
    tags: dict[str, str] = field(default_factory=dict)
    shown: deque[tuple[float, dict[str, str]]] = field(default_factory=deque)
    messages: int = 0

    @property
    def fifo(self) -> bool:
        return self.attributes.get("FifoQueue") == "true"


class StrictSqs:
    """The service.

    ``propagation`` is the number of seconds after which reads show a write. ``now`` is the virtual time, which
    ``sleep`` advances. ``calls`` holds every request as (operation, parameters). ``fault`` may raise a RefusedError
    before an operation is done, ``lost`` anything after it is done and before its answer arrives.
    """

    def __init__(self) -> None:
        self.queues: dict[str, FakeQueue] = {}
        self.deleted_at: dict[str, float] = {}
        self.propagation = 0.0
        self.now = 1000.0
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.fault: Callable[[str, dict[str, Any]], None] = lambda _operation, _parameters: None
        self.lost: Callable[[], None] = lambda: None
        self.lock = threading.RLock()
        self.concurrent = self.most_concurrent = 0

    def client(self, config: Config | None = None) -> Any:
        """Return a boto3 client that talks to this service."""
        client = boto3.client(
            "sqs",
            region_name=REGION,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
            endpoint_url=f"https://sqs.{REGION}.amazonaws.com",
            config=config,
        )
        client.meta.events.register("before-send.sqs", self._answer)
        return client

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def clock(self) -> float:
        return self.now

    def counts(self) -> Counter[str]:
        return Counter(operation for operation, _parameters in self.calls)

    def writes(self) -> list[str]:
        return [operation for operation, _parameters in self.calls if operation not in READS]

    def forget_calls(self) -> None:
        self.calls.clear()

    def arn(self, name: str) -> str:
        return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"

    def url(self, name: str) -> str:
        return f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{name}"

    def _answer(self, request: Any, **_kwargs: Any) -> AWSResponse:
        operation = request.headers["X-Amz-Target"].decode().rsplit(".", 1)[-1]
        parameters = json.loads(request.body or b"{}")
        with self.lock:
            self.concurrent += 1
            self.most_concurrent = max(self.most_concurrent, self.concurrent)
            self.calls.append((operation, parameters))
            try:
                self.fault(operation, parameters)
                status, headers, body = 200, {}, getattr(self, f"do_{operation}")(**parameters) or {}
                self.lost()
            except RefusedError as refusal:
                status = refusal.status
                headers = {"x-amzn-query-error": f"{refusal.query_code};Sender"}
                body = {"__type": f"com.amazonaws.sqs#{refusal.code}", "message": refusal.message}
            finally:
                self.concurrent -= 1
        raw = io.BytesIO(json.dumps(body).encode())
        raw.stream = lambda **_kwargs: iter([raw.getvalue()])  # type: ignore[attr-defined]
        return AWSResponse(request.url, status, {"Content-Type": "application/x-amz-json-1.0", **headers}, raw)

    def _queue(self, url: str) -> FakeQueue:
        queue = self.queues.get(url.rsplit("/", 1)[-1])
        if queue is None:
            raise no_such_queue()
        return queue

    def do_ListQueues(self, QueueNamePrefix: str = "", MaxResults: int = 1000, NextToken: str = "") -> dict[str, Any]:
        names = sorted(name for name in self.queues if name.startswith(QueueNamePrefix) and name > NextToken)
        page = names[:MaxResults]
        more = {"NextToken": page[-1]} if len(names) > MaxResults else {}
        return {"QueueUrls": [self.url(name) for name in page], **more}

    def do_GetQueueUrl(self, QueueName: str, QueueOwnerAWSAccountId: str = ACCOUNT) -> dict[str, Any]:
        if QueueName not in self.queues or QueueOwnerAWSAccountId != ACCOUNT:
            raise no_such_queue()
        return {"QueueUrl": self.url(QueueName)}

    def do_GetQueueAttributes(self, QueueUrl: str, AttributeNames: list[str]) -> dict[str, Any]:
        queue = self._queue(QueueUrl)
        while len(queue.shown) > 1 and queue.shown[1][0] <= self.now:
            queue.shown.popleft()
        name = QueueUrl.rsplit("/", 1)[-1]
        known = {**queue.shown[0][1], "QueueArn": self.arn(name), "CreatedTimestamp": "1795000000"}
        known["ApproximateNumberOfMessages"] = str(queue.messages)
        known["ApproximateNumberOfMessagesNotVisible"] = known["ApproximateNumberOfMessagesDelayed"] = "0"
        if "All" not in AttributeNames:
            known = {key: value for key, value in known.items() if key in AttributeNames}
        return {"Attributes": known}

    def do_ListQueueTags(self, QueueUrl: str) -> dict[str, Any]:
        tags = self._queue(QueueUrl).tags
        return {"Tags": tags} if tags else {}

    def do_ListDeadLetterSourceQueues(self, QueueUrl: str, MaxResults: int = 1000) -> dict[str, Any]:
        arn = self.arn(QueueUrl.rsplit("/", 1)[-1])
        policies = {
            name: json.loads(queue.attributes.get("RedrivePolicy") or "{}") for name, queue in self.queues.items()
        }
        sources = [name for name, policy in policies.items() if policy.get("deadLetterTargetArn") == arn]
        return {"queueUrls": [self.url(name) for name in sources]}

    def do_CreateQueue(
        self, QueueName: str, Attributes: dict[str, str] | None = None, tags: dict[str, str] | None = None
    ) -> dict[str, Any]:
        given = Attributes or {}
        existing = self.queues.get(QueueName)
        if existing is not None:
            for key, value in given.items():
                if existing.attributes.get(key) != value:
                    raise RefusedError(
                        "QueueNameExists",
                        f"A queue already exists with the same name and a different value for attribute {key}",
                        query_code="QueueAlreadyExists",
                    )
            return {"QueueUrl": self.url(QueueName)}
        if self.now - self.deleted_at.get(QueueName, -1e9) < 60:
            raise RefusedError(
                "QueueDeletedRecently",
                "You must wait 60 seconds after deleting a queue before you can create another with the same name.",
                query_code="AWS.SimpleQueueService.QueueDeletedRecently",
            )
        if QueueName.endswith(".fifo") != (given.get("FifoQueue") == "true"):
            raise RefusedError("InvalidParameterValue", "The name of a FIFO queue must end with .fifo")
        queue = FakeQueue({**_DEFAULTS}, dict(tags or {}))
        if QueueName.endswith(".fifo"):
            queue.attributes.update(FifoQueue="true", ContentBasedDeduplication="false")
        self._set(queue, given, creating=True)
        queue.shown.append((self.now, dict(queue.attributes)))
        self.queues[QueueName] = queue
        return {"QueueUrl": self.url(QueueName)}

    def do_SetQueueAttributes(self, QueueUrl: str, Attributes: dict[str, str]) -> None:
        queue = self._queue(QueueUrl)
        self._set(queue, Attributes, creating=False)
        queue.shown.append((self.now + self.propagation, dict(queue.attributes)))

    def do_TagQueue(self, QueueUrl: str, Tags: dict[str, str]) -> None:
        self._queue(QueueUrl).tags.update(Tags)

    def do_UntagQueue(self, QueueUrl: str, TagKeys: list[str]) -> None:
        for key in TagKeys:
            self._queue(QueueUrl).tags.pop(key, None)

    def do_DeleteQueue(self, QueueUrl: str) -> None:
        self._queue(QueueUrl)
        name = QueueUrl.rsplit("/", 1)[-1]
        del self.queues[name]
        self.deleted_at[name] = self.now

    def _set(self, queue: FakeQueue, given: dict[str, str], *, creating: bool) -> None:
        for key, value in given.items():
            self._check(queue, key, value, creating=creating)
        if given.get("KmsMasterKeyId") and given.get("SqsManagedSseEnabled") == "true":
            raise RefusedError(
                "InvalidAttributeName",
                "You can use one type of server-side encryption (SSE) at one time. "
                "You can either enable KMS SSE or SQS SSE.",
            )
        merged = {**queue.attributes, **given}
        if (
            merged.get("FifoThroughputLimit") == "perMessageGroupId"
            and merged.get("DeduplicationScope") != "messageGroup"
        ):
            raise RefusedError("InvalidAttributeValue", "perMessageGroupId needs DeduplicationScope messageGroup")
        if given.get("KmsMasterKeyId"):
            merged["SqsManagedSseEnabled"] = "false"
            merged.setdefault("KmsDataKeyReusePeriodSeconds", "300")
        elif given.get("SqsManagedSseEnabled") == "true" or "KmsMasterKeyId" in given:
            merged.pop("KmsMasterKeyId", None)
        if not merged.get("KmsMasterKeyId"):
            merged.pop("KmsDataKeyReusePeriodSeconds", None)
        queue.attributes = {key: value for key, value in merged.items() if value != ""}

    def _check(self, queue: FakeQueue, key: str, value: str, *, creating: bool) -> None:
        if key not in SETTABLE:
            raise RefusedError("InvalidAttributeName", f"Unknown Attribute {key}.")
        if key == "FifoQueue":
            if not creating:
                raise RefusedError(
                    "InvalidAttributeValue",
                    "Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported.",
                )
            return
        if key in _FIFO_ONLY and not queue.fifo:
            raise RefusedError("InvalidAttributeName", f"Unknown Attribute {key}.")
        if value == "" and key in _CLEARABLE:
            return
        invalid = RefusedError("InvalidAttributeValue", f"Invalid value for the parameter {key}.")
        if key in _RANGES:
            low, high = _RANGES[key]
            if not value.isdigit() or not low <= int(value) <= high:
                raise invalid
        if key in {"Policy", "RedrivePolicy", "RedriveAllowPolicy"}:
            self._check_document(queue, key, json.loads(value), invalid)

    def _check_document(self, queue: FakeQueue, key: str, document: dict[str, Any], invalid: RefusedError) -> None:
        if not document:
            raise invalid
        if key == "RedriveAllowPolicy" and len(document.get("sourceQueueArns", [])) > 10:
            raise invalid
        if key != "RedrivePolicy":
            return
        if not 1 <= int(document["maxReceiveCount"]) <= 1000:
            raise invalid
        name = document["deadLetterTargetArn"].rsplit(":", 1)[-1]
        if name not in self.queues:
            raise RefusedError(
                "InvalidParameterValue",
                f"Value {json.dumps(document)} for parameter RedrivePolicy is invalid. "
                "Reason: Dead letter target does not exist.",
            )
        if self.queues[name].fifo != queue.fifo:
            raise RefusedError("InvalidParameterValue", "Dead-letter queue must be same type of queue as the source.")
