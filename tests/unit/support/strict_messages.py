# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: N802, N803 - methods and arguments carry the names of AWS's operations and parameters
"""Messages as strict as AWS's: visibility, FIFO groups, the deduplication window, purges, message move tasks."""

from __future__ import annotations

import hashlib
import itertools
import json
import uuid
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.ecommerce.sqs.tests.unit.support.strict_sqs import RefusedError, StrictSqs

DEDUPLICATION_SECONDS = 300


@dataclass
class FakeMessage:
    body: str
    attributes: dict[str, Any] = field(default_factory=dict)
    system: dict[str, str] = field(default_factory=dict)
    message_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    visible_at: float = 0.0
    receives: int = 0
    handle: str = ""

    @property
    def group(self) -> str | None:
        return self.system.get("MessageGroupId")


class StrictMessages(StrictSqs):
    """The service with messages. ``batch_fault`` may refuse an entry: it returns (code, sender's fault) or None."""

    def __init__(self) -> None:
        super().__init__()
        self.store: dict[str, list[FakeMessage]] = defaultdict(list)
        self.batch_fault: Any = lambda _operation, _entry: None
        self.tasks: list[dict[str, Any]] = []
        self.moved_a_poll = 3
        self._sent: dict[tuple[str, str], tuple[float, str]] = {}
        self._purged_at: dict[str, float] = {}
        self._handles = itertools.count()

    def dead_letter(self, source: str, target: str, body: str, **system: str) -> FakeMessage:
        """Put a message into a dead-letter queue as SQS itself does."""
        known = {"SentTimestamp": str(int(self.now * 1000)), "DeadLetterQueueSourceArn": self.arn(source), **system}
        message = FakeMessage(body, system=known)
        self.store[target].append(message)
        return message

    def bodies(self, name: str) -> list[str]:
        return [message.body for message in self.store[name]]

    def visible(self, name: str) -> list[FakeMessage]:
        return [message for message in self.store[name] if message.visible_at <= self.now]

    def do_GetQueueAttributes(self, QueueUrl: str, AttributeNames: list[str]) -> dict[str, Any]:
        name = QueueUrl.rsplit("/", 1)[-1]
        if name in self.queues:
            self.queues[name].messages = len(self.store[name])
        return super().do_GetQueueAttributes(QueueUrl, AttributeNames)

    def do_SendMessageBatch(self, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:
        queue = self._queue(QueueUrl)
        name = QueueUrl.rsplit("/", 1)[-1]
        self._check_batch(Entries)
        answer: dict[str, Any] = {"Successful": [], "Failed": []}
        for entry in Entries:
            fault = self.batch_fault("SendMessageBatch", entry)
            if fault is None and queue.fifo and "MessageGroupId" not in entry:
                fault = ("MissingParameter", True)
            if fault is not None:
                answer["Failed"].append({"Id": entry["Id"], "Code": fault[0], "SenderFault": fault[1], "Message": "no"})
                continue
            answer["Successful"].append(
                {"Id": entry["Id"], "MessageId": self._accept(name, entry), "MD5OfMessageBody": "x"}
            )
        return {key: value for key, value in answer.items() if value}

    def do_ReceiveMessage(
        self, QueueUrl: str, MaxNumberOfMessages: int = 1, VisibilityTimeout: int = 30, **_more: Any
    ) -> dict[str, Any]:
        queue = self._queue(QueueUrl)
        name = QueueUrl.rsplit("/", 1)[-1]
        busy = {message.group for message in self.store[name] if message.visible_at > self.now}
        found = []
        for message in self.visible(name):
            if len(found) == MaxNumberOfMessages:
                break
            if queue.fifo and message.group in busy:
                continue
            message.visible_at = self.now + VisibilityTimeout
            message.receives += 1
            message.handle = f"handle-{next(self._handles)}"
            found.append(
                {
                    "MessageId": message.message_id,
                    "ReceiptHandle": message.handle,
                    "Body": message.body,
                    "MessageAttributes": message.attributes,
                    "Attributes": {**message.system, "ApproximateReceiveCount": str(message.receives)},
                }
            )
        return {"Messages": found} if found else {}

    def do_ChangeMessageVisibilityBatch(self, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:
        self._check_batch(Entries)
        for entry in Entries:
            for message in self.store[QueueUrl.rsplit("/", 1)[-1]]:
                if message.handle == entry["ReceiptHandle"]:
                    message.visible_at = self.now + entry["VisibilityTimeout"]
        return {"Successful": [{"Id": entry["Id"]} for entry in Entries], "Failed": []}

    def do_DeleteMessageBatch(self, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:
        self._check_batch(Entries)
        name = QueueUrl.rsplit("/", 1)[-1]
        answer: dict[str, Any] = {"Successful": [], "Failed": []}
        for entry in Entries:
            fault = self.batch_fault("DeleteMessageBatch", entry)
            if fault is not None:
                answer["Failed"].append({"Id": entry["Id"], "Code": fault[0], "SenderFault": fault[1], "Message": "no"})
                continue
            self.store[name] = [item for item in self.store[name] if item.handle != entry["ReceiptHandle"]]
            answer["Successful"].append({"Id": entry["Id"]})
        return answer

    def do_PurgeQueue(self, QueueUrl: str) -> None:
        name = QueueUrl.rsplit("/", 1)[-1]
        self._queue(QueueUrl)
        if self.now - self._purged_at.get(name, -1e9) < 60:
            raise RefusedError(
                "PurgeQueueInProgress",
                f"Only one PurgeQueue operation on {name} is allowed every 60 seconds.",
                query_code="AWS.SimpleQueueService.PurgeQueueInProgress",
            )
        self._purged_at[name] = self.now
        self.store[name].clear()

    def do_StartMessageMoveTask(
        self, SourceArn: str, DestinationArn: str | None = None, MaxNumberOfMessagesPerSecond: int | None = None
    ) -> dict[str, Any]:
        if not any(SourceArn in queue.attributes.get("RedrivePolicy", "") for queue in self.queues.values()):
            raise RefusedError("InvalidParameterValue", "Source queue must be configured as a Dead Letter Queue.")
        if any(task["Status"] == "RUNNING" and task["SourceArn"] == SourceArn for task in self.tasks):
            raise RefusedError(
                "InvalidParameterValue",
                "There is already a task running. Only one active task is allowed for a source queue arn at a time.",
            )
        task = {
            "TaskHandle": f"task-{len(self.tasks)}",
            "Status": "RUNNING",
            "SourceArn": SourceArn,
            "ApproximateNumberOfMessagesMoved": 0,
            "ApproximateNumberOfMessagesToMove": len(self.store[SourceArn.rsplit(":", 1)[-1]]),
            "StartedTimestamp": int(self.now * 1000) + len(self.tasks),
        }
        if DestinationArn:
            task["DestinationArn"] = DestinationArn
        if MaxNumberOfMessagesPerSecond:
            task["MaxNumberOfMessagesPerSecond"] = MaxNumberOfMessagesPerSecond
        self.tasks.append(task)
        return {"TaskHandle": task["TaskHandle"]}

    def do_ListMessageMoveTasks(self, SourceArn: str, MaxResults: int = 1) -> dict[str, Any]:
        shown = []
        for task in reversed([task for task in self.tasks if task["SourceArn"] == SourceArn]):
            if task["Status"] == "RUNNING":
                self._advance(task)
            visible = task if task["Status"] == "RUNNING" else {k: v for k, v in task.items() if k != "TaskHandle"}
            shown.append(dict(visible))
        return {"Results": shown[:MaxResults]}

    def do_CancelMessageMoveTask(self, TaskHandle: str) -> dict[str, Any]:
        for task in self.tasks:
            if task["TaskHandle"] == TaskHandle and task["Status"] == "RUNNING":
                task["Status"] = "CANCELLED"
                return {"ApproximateNumberOfMessagesMoved": task["ApproximateNumberOfMessagesMoved"]}
        raise RefusedError("ResourceNotFoundException", "Task does not exist.", status=404)

    def _accept(self, name: str, entry: dict[str, Any]) -> str:
        message = FakeMessage(entry["MessageBody"], entry.get("MessageAttributes", {}))
        message.system["SentTimestamp"] = str(int(self.now * 1000))
        for key in ("MessageGroupId", "MessageDeduplicationId"):
            if key in entry:
                message.system[key] = entry[key]
        if name.endswith(".fifo"):
            content = hashlib.sha256(entry["MessageBody"].encode()).hexdigest()
            key = (name, entry.get("MessageDeduplicationId", content))
            sent_at, message_id = self._sent.get(key, (-1e9, ""))
            if self.now - sent_at < DEDUPLICATION_SECONDS:
                return message_id
            self._sent[key] = (self.now, message.message_id)
        self.store[name].append(message)
        return message.message_id

    def remember_sent(self, name: str, deduplication_id: str, message_id: str) -> None:
        """Open the deduplication window as the first send of a message did."""
        self._sent[name, deduplication_id] = (self.now, message_id)

    def _advance(self, task: dict[str, Any]) -> None:
        name = task["SourceArn"].rsplit(":", 1)[-1]
        for message in self.store[name][: self.moved_a_poll]:
            target = task.get("DestinationArn") or message.system.get("DeadLetterQueueSourceArn")
            if target is None:
                task.update(Status="FAILED", FailureReason="CouldNotDetermineMessageSource")
                return
            self.store[name].remove(message)
            self.store[target.rsplit(":", 1)[-1]].append(FakeMessage(message.body, message.attributes))
            task["ApproximateNumberOfMessagesMoved"] += 1
        if not self.store[name]:
            task["Status"] = "COMPLETED"

    @staticmethod
    def _check_batch(entries: list[dict[str, Any]]) -> None:
        ids = [entry["Id"] for entry in entries]
        if not entries:
            raise RefusedError("EmptyBatchRequest", "There should be at least one entry in the request.")
        if len(entries) > 10:
            raise RefusedError("TooManyEntriesInBatchRequest", "Maximum number of entries per request are 10.")
        if len(set(ids)) != len(ids):
            raise RefusedError("BatchEntryIdsNotDistinct", "Id repeated.")
        if sum(len(json.dumps(entry.get("MessageBody", ""), ensure_ascii=False).encode()) for entry in entries) > (
            1048576 + 2 * len(entries)
        ):
            raise RefusedError("BatchRequestTooLong", "Batch requests cannot be longer than 1048576 bytes.")
