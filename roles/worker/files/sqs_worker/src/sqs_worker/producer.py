# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends messages, from ordinary (synchronous) code such as an order controller."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import botocore.exceptions
from botocore.config import Config

from sqs_worker.backoff import Backoff
from sqs_worker.batch import BATCH_SIZE, MAX_BATCH_BYTES, Failure, failures, numbered
from sqs_worker.client import botocore_client
from sqs_worker.errors import ApiError
from sqs_worker.layers import trace
from sqs_worker.layers.payload import SIZE_ATTRIBUTES, PayloadStore

MAX_DELAY = 900  # seconds (SendMessage, API reference)
SEND_TRIES = 5
RETRY = Backoff(base=0.1, maximum=2.0)

Body = str | Mapping[str, Any] | list[Any]
Attributes = Mapping[str, str | int | float | bytes]


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to be sent. A mapping or list becomes JSON."""

    body: Body
    attributes: Attributes = field(default_factory=dict)
    group_id: str | None = None
    deduplication_id: str | None = None
    delay_seconds: int = 0

    def text(self) -> str:
        """The body as it is sent."""
        return self.body if isinstance(self.body, str) else json.dumps(self.body, separators=(",", ":"))

    def entry(self) -> dict[str, Any]:
        """As SendMessage and SendMessageBatch take it; raises ValueError for what SQS would refuse."""
        text = self.text()
        if not text:
            raise ValueError("body is empty: SQS takes messages of 1 byte to 1 MiB")
        if not 0 <= self.delay_seconds <= MAX_DELAY:
            raise ValueError(f"delay_seconds: {self.delay_seconds} is not from 0 to {MAX_DELAY}")
        entry: dict[str, Any] = {"MessageBody": text}
        if self.attributes:
            entry["MessageAttributes"] = {name: _attribute(name, value) for name, value in self.attributes.items()}
        if self.group_id is not None:
            entry["MessageGroupId"] = self.group_id
        if self.deduplication_id is not None:
            entry["MessageDeduplicationId"] = self.deduplication_id
        if self.delay_seconds:
            entry["DelaySeconds"] = self.delay_seconds
        if entry_size(entry) > MAX_BATCH_BYTES:
            raise ValueError(f"message of {entry_size(entry)} bytes: SQS takes {MAX_BATCH_BYTES} with attributes")
        return entry


class SendError(Exception):
    """Some messages were not sent: ``failed`` maps their positions to the reasons, ``message_ids`` has the others."""

    def __init__(self, failed: Mapping[int, Failure], message_ids: Sequence[str | None]) -> None:
        text = "; ".join(f"message {position}: {why.code} {why.message}" for position, why in failed.items())
        super().__init__(f"{len(failed)} of {len(message_ids)} messages not sent: {text}")
        self.failed = failed
        self.message_ids = message_ids


class Producer:
    """Sends to one queue; safe to share between threads.

    >>> producer = Producer(os.environ["ORDER_QUEUE_URL"])
    >>> producer.send({"order_id": 7})
    """

    def __init__(self, queue_url: str, *, client: Any = None, payload_bucket: str | None = None) -> None:
        """``client`` is a boto3 or botocore SQS client, made from the environment when left out.

        With a ``payload_bucket``, messages above SQS's limit have their body put into S3.
        """
        self.queue_url = queue_url
        self._payloads = PayloadStore(payload_bucket, 0) if payload_bucket else None
        self._client = client or botocore_client(
            "sqs", Config(retries={"mode": "standard", "max_attempts": SEND_TRIES}, connect_timeout=5, read_timeout=10)
        )

    def send(
        self,
        body: Body,
        *,
        attributes: Attributes | None = None,
        group_id: str | None = None,
        deduplication_id: str | None = None,
        delay_seconds: int = 0,
    ) -> str:
        """Send one message and return its message ID; raises ValueError, or ApiError after several tries."""
        entry = self._entry(Outgoing(body, attributes or {}, group_id, deduplication_id, delay_seconds))
        return str(self._call("send_message", **entry)["MessageId"])

    def send_many(self, messages: Sequence[Outgoing | Body]) -> list[str]:
        """Send in batches of ten, in order, and return the message IDs in order.

        Failed entries are repeated; what still fails is a SendError that says which. FIFO messages behind a failed
        one are not sent before it.
        """
        entries = [self._entry(item if isinstance(item, Outgoing) else Outgoing(item)) for item in messages]
        message_ids: list[str | None] = [None] * len(entries)
        failed: dict[int, Failure] = {}
        fifo = self.queue_url.endswith(".fifo")
        for positions in _batches(entries, fifo=fifo):
            failed |= self._send_batch(positions, entries, message_ids)
            if failed and fifo:
                unsent = Failure("NotSent", "an earlier message of this FIFO queue failed", retryable=True)
                failed |= dict.fromkeys(range(positions[-1] + 1, len(entries)), unsent)
                break
        if failed:
            raise SendError(failed, message_ids)
        return [message_id for message_id in message_ids if message_id is not None]

    def _entry(self, outgoing: Outgoing) -> dict[str, Any]:
        text = outgoing.text()
        if self._payloads is not None and len(text.encode()) > MAX_BATCH_BYTES:
            attributes = {**outgoing.attributes, SIZE_ATTRIBUTES[0]: len(text.encode())}
            outgoing = dataclasses.replace(outgoing, body=self._payloads.store(text), attributes=attributes)
        entry = outgoing.entry()
        traced = trace.added(entry)
        return traced if entry_size(traced) <= MAX_BATCH_BYTES else entry

    def _send_batch(
        self, positions: list[int], entries: list[dict[str, Any]], message_ids: list[str | None]
    ) -> dict[int, Failure]:
        refused: dict[int, Failure] = {}
        for attempt in range(1, SEND_TRIES + 1):
            response = self._call("send_message_batch", Entries=numbered(entries[position] for position in positions))
            for success in response.get("Successful") or ():
                message_ids[positions[int(success["Id"])]] = success["MessageId"]
            failed = {
                position: failure
                for position, failure in zip(positions, failures(response, len(positions)), strict=True)
                if failure is not None
            }
            refused |= {position: failure for position, failure in failed.items() if not failure.retryable}
            positions = [position for position in failed if position not in refused]
            if not positions:
                return refused
            if attempt < SEND_TRIES:
                time.sleep(RETRY.delay(attempt))
        return refused | failed

    def _call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        try:
            return dict(getattr(self._client, operation)(QueueUrl=self.queue_url, **parameters))
        except botocore.exceptions.ClientError as error:
            detail = error.response["Error"]
            raise ApiError(operation, detail["Code"], detail["Message"], retryable=False) from error
        except botocore.exceptions.BotoCoreError as error:
            raise ApiError(operation, type(error).__name__, str(error), retryable=True) from error


def entry_size(entry: Mapping[str, Any]) -> int:
    """Bytes that count towards SQS's limit: body and attributes with their names and types."""
    size = len(entry["MessageBody"].encode())
    for name, attribute in entry.get("MessageAttributes", {}).items():
        value = attribute.get("BinaryValue", attribute.get("StringValue", ""))
        size += len(name.encode()) + len(attribute["DataType"])
        size += len(value if isinstance(value, bytes) else value.encode())
    return size


def _batches(entries: Sequence[Mapping[str, Any]], *, fifo: bool = False) -> list[list[int]]:
    """Positions of consecutive entries that fit into one request by count and by bytes.

    Of a FIFO queue, a message group is once in a batch: SQS takes entries one by one, and the second of a group must
    not overtake a first that is refused.
    """
    batches: list[list[int]] = []
    size, groups = 0, set[str]()
    for position, entry in enumerate(entries):
        size += entry_size(entry)
        group = entry.get("MessageGroupId") if fifo else None
        if not batches or len(batches[-1]) == BATCH_SIZE or size > MAX_BATCH_BYTES or group in groups:
            batches.append([])
            size, groups = entry_size(entry), set()
        batches[-1].append(position)
        if group is not None:
            groups.add(group)
    return batches


def _attribute(name: str, value: str | int | float | bytes) -> dict[str, Any]:
    if isinstance(value, bytes):
        return {"DataType": "Binary", "BinaryValue": value}
    if isinstance(value, bool) or not isinstance(value, str | int | float) or value == "":
        raise ValueError(f"attribute {name}: {value!r} is not a non-empty text, a number or bytes")
    return {"DataType": "String" if isinstance(value, str) else "Number", "StringValue": str(value)}
