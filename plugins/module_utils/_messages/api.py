# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Messages of a queue through a boto3 client: send, receive, give back, delete, purge, move. Decides nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._aws.client import call
from .._topology.names import name_in
from .outgoing import BATCH_ENTRIES, Entry

SEND_ATTEMPTS = 5
_LONGEST_PAUSE = 8.0


@dataclass
class Sent:
    """What became of a batch: SQS's answer for the entries that it took, the reason for the others, by entry ID."""

    taken: dict[str, dict[str, Any]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


class MessageApi:
    """The messages of the queues of one account and region.

    Every method raises AwsCallError for whatever AWS or the network answers. ``queue`` is a queue's URL.
    """

    def __init__(self, client: Any, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._client = client
        self._sleep = sleep

    def send(self, queue: str, batch: Sequence[Entry]) -> Sent:
        """Send a batch. Entries that fail for a reason that is not theirs are sent again, a few times."""
        sent = Sent()
        pending = list(batch)
        for attempt in range(SEND_ATTEMPTS):
            answer = self._call("send_message_batch", queue, QueueUrl=queue, Entries=pending)
            sent.taken.update({entry["Id"]: entry for entry in answer.get("Successful", [])})
            failed = {entry["Id"]: entry for entry in answer.get("Failed", [])}
            sent.failed = {
                **{key: reason for key, reason in sent.failed.items() if key not in sent.taken},
                **{key: f"{entry['Code']}: {entry.get('Message', '')}" for key, entry in failed.items()},
            }
            pending = [entry for entry in pending if entry["Id"] in failed and not failed[entry["Id"]]["SenderFault"]]
            if not pending:
                break
            self._sleep(min(2.0**attempt / 2, _LONGEST_PAUSE))
        return sent

    def receive(self, queue: str, *, visibility_timeout: int, wait: int, limit: int = BATCH_ENTRIES) -> list[Any]:
        """Receive up to ``limit`` (at most 10) messages with all their attributes; times in seconds."""
        answer = self._call(
            "receive_message",
            queue,
            QueueUrl=queue,
            MaxNumberOfMessages=limit,
            VisibilityTimeout=visibility_timeout,
            WaitTimeSeconds=wait,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        return list(answer.get("Messages", []))

    def give_back(self, queue: str, receipt_handles: Sequence[str]) -> None:
        """Make received messages visible again at once. Those that are visible or gone already are no error."""
        for entries in _numbered(receipt_handles):
            self._call(
                "change_message_visibility_batch",
                queue,
                QueueUrl=queue,
                Entries=[{**entry, "VisibilityTimeout": 0} for entry in entries],
            )

    def delete(self, queue: str, receipt_handles: Sequence[str]) -> int:
        """Delete received messages; return how many could not be deleted."""
        failed = 0
        for entries in _numbered(receipt_handles):
            for attempt in range(SEND_ATTEMPTS):
                answer = self._call("delete_message_batch", queue, QueueUrl=queue, Entries=entries)
                refused = {entry["Id"]: entry for entry in answer.get("Failed", [])}
                failed += sum(1 for entry in refused.values() if entry["SenderFault"])
                entries = [  # noqa: PLW2901 - what is left of the batch
                    entry for entry in entries if entry["Id"] in refused and not refused[entry["Id"]]["SenderFault"]
                ]
                if not entries:
                    break
                self._sleep(min(2.0**attempt / 2, _LONGEST_PAUSE))
            failed += len(entries)
        return failed

    def purge(self, queue: str) -> None:
        """Delete all messages. The cause of the AwsCallError is PurgeQueueInProgress within 60 s of another purge."""
        self._call("purge_queue", queue, QueueUrl=queue)

    def start_move_task(self, source_arn: str, destination_arn: str | None, rate: int | None) -> str:
        """Start a message move task; return its handle."""
        arguments: dict[str, Any] = {"SourceArn": source_arn}
        if destination_arn is not None:
            arguments["DestinationArn"] = destination_arn
        if rate is not None:
            arguments["MaxNumberOfMessagesPerSecond"] = rate
        return str(self._call("start_message_move_task", source_arn, **arguments)["TaskHandle"])

    def move_tasks(self, source_arn: str) -> list[dict[str, Any]]:
        """Return the message move tasks of a queue, the newest first, as ListMessageMoveTasks gives them."""
        answer = self._call("list_message_move_tasks", source_arn, SourceArn=source_arn, MaxResults=BATCH_ENTRIES)
        return list(answer.get("Results", []))

    def cancel_move_task(self, handle: str) -> int:
        """Cancel a message move task; return how many messages it has moved (approximate)."""
        answer = self._call("cancel_message_move_task", "the message move task", TaskHandle=handle)
        return int(answer.get("ApproximateNumberOfMessagesMoved", 0))

    def _call(self, method: str, subject: str, **arguments: Any) -> dict[str, Any]:
        return call(self._client, method, name_in(subject), **arguments)


def _numbered(receipt_handles: Sequence[str]) -> Iterator[list[dict[str, Any]]]:
    """Yield batches of entries; their IDs are positions, for a message can be twice in one batch."""
    for start in range(0, len(receipt_handles), BATCH_ENTRIES):
        part = receipt_handles[start : start + BATCH_ENTRIES]
        yield [{"Id": str(index), "ReceiptHandle": handle} for index, handle in enumerate(part)]


def group_of(message: Mapping[str, Any]) -> str | None:
    """Return the message group of a received message, or None."""
    group = message.get("Attributes", {}).get("MessageGroupId")
    return None if group is None else str(group)
