# SPDX-License-Identifier: GPL-3.0-or-later
"""A strict model of SQS on the event loop's clock: deliveries, expiry, redelivery, FIFO order, the 12 h cap,
deduplication, redrive. Where SQS may do either of two things, it does the one that is harder on the worker.

Rules are those of the SQS developer guide and API reference; what the model refuses, SQS refuses.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqs_worker.errors import ApiError

TWELVE_HOURS = 43_200
DEDUPLICATION_WINDOW = 300
Fault = Callable[[str, Mapping[str, Any]], ApiError | None]


@dataclass(eq=False)
class Stored:
    """A message in a queue."""

    message_id: str
    body: str
    sent_at: float
    group: str | None = None
    deduplication_id: str | None = None
    attributes: dict[str, Any] = field(default_factory=dict)
    visible_at: float = 0.0
    receipt: str | None = None
    received_at: float = 0.0
    receive_count: int = 0
    receive_times: list[float] = field(default_factory=list)


@dataclass(eq=False)
class Queue:
    """A queue's attributes and messages, in order of sending."""

    url: str
    visibility: float = 30.0
    max_receive_count: int | None = None
    dead_letter_url: str | None = None
    messages: list[Stored] = field(default_factory=list)
    deduplicated: dict[str, tuple[float, str]] = field(default_factory=dict)
    attempts: dict[str, tuple[float, list[str]]] = field(default_factory=dict)

    @property
    def fifo(self) -> bool:
        """By its name, as everywhere."""
        return self.url.endswith(".fifo")


class FakeSqs:
    """SqsApi in memory. ``calls`` counts by operation; ``faults`` see each call before it has an effect,
    ``lost`` after it: an error of theirs takes the answer's place."""

    def __init__(self, *queues: Queue) -> None:
        self.queues = {queue.url: queue for queue in queues}
        self.calls: Counter[str] = Counter()
        self.latency = 0.001
        self.fault: Fault = lambda _operation, _parameters: None
        self.lost: Fault = lambda _operation, _parameters: None
        self.refuse_entry: Callable[[str, Mapping[str, Any]], bool | None] = lambda _operation, _entry: None
        self.receiving = 0
        self.sent_bodies: list[str] = []
        self._ids = itertools.count(1)
        self._changed = asyncio.Event()

    async def call(
        self, operation: str, parameters: Mapping[str, Any], *, timeout: float = 10.0, attempts: int = 1
    ) -> dict[str, Any]:
        """See SqsApi."""
        for attempt in range(1, attempts + 1):
            self.calls[operation] += 1
            await asyncio.sleep(self.latency)
            try:
                _raise(self.fault(operation, parameters))
                try:
                    async with asyncio.timeout(timeout):
                        answer = await self._operation(operation, dict(parameters))
                except TimeoutError as error:
                    raise ApiError(operation, "ConnectionError", "timeout", retryable=True) from error
                _raise(self.lost(operation, parameters))
            except ApiError as error:
                if not error.retryable or attempt == attempts:
                    raise
                await asyncio.sleep(1.0)
            else:
                return answer
        raise AssertionError

    async def close(self) -> None:
        """See SqsApi."""

    def send(
        self,
        url: str,
        body: str,
        group: str | None = None,
        deduplication_id: str | None = None,
        attributes: dict[str, Any] | None = None,
    ) -> str:
        """Send a message, at once."""
        queue, now = self.queues[url], self._now()
        if queue.fifo and (group is None or deduplication_id is None):
            raise self._error("SendMessage", "MissingParameter", "MessageGroupId and MessageDeduplicationId")
        if deduplication_id is not None and queue.fifo:
            seen = queue.deduplicated.get(deduplication_id)
            if seen is not None and now - seen[0] < DEDUPLICATION_WINDOW:
                return seen[1]
        message = Stored(
            f"m{next(self._ids)}", body, now, group, deduplication_id, visible_at=now, attributes=attributes or {}
        )
        if deduplication_id is not None:
            queue.deduplicated[deduplication_id] = (now, message.message_id)
        queue.messages.append(message)
        self._changed.set()
        return message.message_id

    def in_flight(self, url: str) -> list[Stored]:
        """Messages received and not visible again."""
        return [message for message in self.queues[url].messages if self._is_in_flight(message)]

    def bodies(self, url: str) -> list[str]:
        """Bodies of the messages in a queue."""
        return [message.body for message in self.queues[url].messages]

    async def _operation(self, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        queue = self.queues.get(parameters["QueueUrl"])
        if queue is None:
            raise self._error(operation, "QueueDoesNotExist", "The specified queue does not exist.")
        if operation == "ReceiveMessage":
            return await self._receive(queue, parameters)
        if operation == "DeleteMessageBatch":
            return self._batch(operation, queue, parameters, self._delete)
        if operation == "ChangeMessageVisibilityBatch":
            return self._batch(operation, queue, parameters, self._change)
        if operation == "DeleteMessage":
            self._delete(queue, parameters)
            return {}
        if operation == "SendMessage":
            return self._send(queue, parameters)
        if operation == "GetQueueAttributes":
            attributes = {"VisibilityTimeout": f"{queue.visibility:g}"}
            if queue.max_receive_count is not None:
                attributes["RedrivePolicy"] = f'{{"maxReceiveCount": {queue.max_receive_count}}}'
            return {"Attributes": attributes}
        raise AssertionError(operation)

    async def _receive(self, queue: Queue, parameters: dict[str, Any]) -> dict[str, Any]:
        if not 1 <= parameters["MaxNumberOfMessages"] <= 10 or not 0 <= parameters["WaitTimeSeconds"] <= 20:
            raise self._error("ReceiveMessage", "InvalidParameterValue", str(parameters))
        until = self._now() + parameters["WaitTimeSeconds"]
        self.receiving += 1
        try:
            while True:
                found = self._take(queue, parameters)
                if found or self._now() >= until:
                    return {"Messages": [self._delivery(message) for message in found]}
                self._changed.clear()
                next_visible = [m.visible_at for m in queue.messages if m.visible_at > self._now()]
                pause = min([until, *next_visible]) - self._now() + 1e-6
                try:
                    async with asyncio.timeout(pause):
                        await self._changed.wait()
                except TimeoutError:
                    pass
        finally:
            self.receiving -= 1

    def _take(self, queue: Queue, parameters: dict[str, Any]) -> list[Stored]:
        attempt = parameters.get("ReceiveRequestAttemptId")
        now = self._now()
        if queue.fifo and attempt in queue.attempts and now - queue.attempts[attempt][0] < DEDUPLICATION_WINDOW:
            ids = queue.attempts[attempt][1]
            again = [message for message in queue.messages if message.message_id in ids and self._is_in_flight(message)]
            if again:
                return again
        found: list[Stored] = []
        blocked = {message.group for message in queue.messages if queue.fifo and self._is_in_flight(message)}
        for message in list(queue.messages):
            if len(found) == parameters["MaxNumberOfMessages"]:
                break
            if message.group in blocked or message.visible_at > now:
                if queue.fifo:
                    blocked.add(message.group)
                continue
            if queue.max_receive_count is not None and message.receive_count >= queue.max_receive_count:
                self._dead_letter(queue, message)
                continue
            found.append(message)
        for message in found:
            message.receive_count += 1
            message.receive_times.append(now)
            message.received_at = now
            message.visible_at = now + parameters.get("VisibilityTimeout", queue.visibility)
            message.receipt = f"{message.message_id}#{message.receive_count}"
        if attempt is not None and found:
            queue.attempts[attempt] = (now, [message.message_id for message in found])
        return found

    def _dead_letter(self, queue: Queue, message: Stored) -> None:
        if queue.dead_letter_url is not None:
            queue.messages.remove(message)
            self.queues[queue.dead_letter_url].messages.append(message)

    def _delivery(self, message: Stored) -> dict[str, Any]:
        attributes = {"ApproximateReceiveCount": str(message.receive_count), "SentTimestamp": str(int(message.sent_at))}
        if message.group is not None:
            attributes["MessageGroupId"] = message.group
        if message.deduplication_id is not None:
            attributes["MessageDeduplicationId"] = message.deduplication_id
        return {
            "MessageId": message.message_id,
            "ReceiptHandle": message.receipt,
            "Body": message.body,
            "Attributes": attributes,
            "MessageAttributes": message.attributes,
        }

    def _batch(
        self, operation: str, queue: Queue, parameters: dict[str, Any], act: Callable[[Queue, dict[str, Any]], None]
    ) -> dict[str, Any]:
        entries = parameters["Entries"]
        if not 1 <= len(entries) <= 10:
            raise self._error(operation, "TooManyEntriesInBatchRequest", str(len(entries)))
        if len({entry["Id"] for entry in entries}) != len(entries):
            raise self._error(operation, "BatchEntryIdsNotDistinct", "Two or more batch entries have the same Id.")
        answer: dict[str, list[dict[str, Any]]] = {"Successful": [], "Failed": []}
        for entry in entries:
            sender_fault = self.refuse_entry(operation, entry)
            if sender_fault is not None:
                answer["Failed"].append({"Id": entry["Id"], "Code": "InternalError", "SenderFault": sender_fault})
                continue
            try:
                act(queue, entry)
                answer["Successful"].append({"Id": entry["Id"]})
            except ApiError as error:
                answer["Failed"].append(
                    {"Id": entry["Id"], "Code": error.code, "Message": str(error), "SenderFault": not error.retryable}
                )
        self._changed.set()
        return answer

    def _delete(self, queue: Queue, entry: dict[str, Any]) -> None:
        message = self._by_receipt(queue, entry["ReceiptHandle"])
        if message is None:
            return
        if message.receipt != entry["ReceiptHandle"] or (queue.fifo and not self._is_in_flight(message)):
            if queue.fifo:
                raise self._error("DeleteMessage", "InvalidParameterValue", "The receipt handle has expired.")
            return  # a stale handle of a standard queue: success is answered, and the message stays
        queue.messages.remove(message)

    def _change(self, queue: Queue, entry: dict[str, Any]) -> None:
        message = self._by_receipt(queue, entry["ReceiptHandle"])
        timeout = entry["VisibilityTimeout"]
        if not isinstance(timeout, int) or not 0 <= timeout <= TWELVE_HOURS:
            raise self._error("ChangeMessageVisibility", "InvalidParameterValue", f"VisibilityTimeout {timeout}")
        if message is None or message.receipt != entry["ReceiptHandle"] or not self._is_in_flight(message):
            raise self._error("ChangeMessageVisibility", "MessageNotInflight", "not in flight")
        if self._now() + timeout > message.received_at + TWELVE_HOURS + 1:
            raise self._error("ChangeMessageVisibility", "InvalidParameterValue", "Total VisibilityTimeout beyond 12 h")
        message.visible_at = self._now() + timeout

    def _send(self, queue: Queue, parameters: dict[str, Any]) -> dict[str, Any]:
        attributes = parameters.get("MessageAttributes") or {}
        if len(attributes) > 10 or any(value.get("StringValue") == "" for value in attributes.values()):
            raise self._error("SendMessage", "InvalidParameterValue", "message attributes")
        message_id = self.send(
            queue.url,
            parameters["MessageBody"],
            parameters.get("MessageGroupId"),
            parameters.get("MessageDeduplicationId"),
        )
        for message in queue.messages:
            if message.message_id == message_id:
                message.attributes = attributes
        return {"MessageId": message_id}

    def _by_receipt(self, queue: Queue, receipt: str) -> Stored | None:
        message_id = receipt.partition("#")[0]
        return next((message for message in queue.messages if message.message_id == message_id), None)

    def _is_in_flight(self, message: Stored) -> bool:
        return message.receipt is not None and message.visible_at > self._now()

    def _now(self) -> float:
        return asyncio.get_event_loop().time()

    @staticmethod
    def _error(operation: str, code: str, message: str) -> ApiError:
        return ApiError(operation, code, message, retryable=False)


def _raise(error: ApiError | None) -> None:
    if error is not None:
        raise error
