# SPDX-License-Identifier: GPL-3.0-or-later
"""``sqs-worker replay``: dead-lettered messages back to the queue, by reason, body or number.

A message is deleted only after its copy has been sent: killed in the middle, nothing is lost, and at worst one batch
is sent twice.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqs_worker.batch import BATCH_SIZE, call_batch, chunks
from sqs_worker.client import SqsApi
from sqs_worker.message import Message
from sqs_worker.run.dead_letter import original_attributes, reason_of

VISIBILITY = 120  # seconds; time to look at all messages without seeing one twice
EMPTY_RECEIVES = 2  # a single empty receive can miss messages (SQS developer guide, short and long polling)


@dataclass(frozen=True, slots=True)
class Choice:
    """Which messages to replay."""

    limit: int | None = None
    reason: re.Pattern[str] | None = None
    body: re.Pattern[str] | None = None

    def wants(self, message: Message) -> bool:
        """Whether this message is chosen."""
        return (self.reason is None or bool(self.reason.search(reason_of(message)))) and (
            self.body is None or bool(self.body.search(message.body))
        )


async def replay(
    api: SqsApi, source: str, target: str, choice: Choice, report: Callable[[Message], Any], *, dry_run: bool
) -> tuple[int, int]:
    """Move chosen messages from ``source`` to ``target``; returns how many were moved and how many were looked at.

    Every message that stays is made visible again. With ``dry_run`` all stay. Raises ApiError.
    """
    kept: dict[str, Message] = {}
    moved = looked_at = empty = 0
    try:
        while empty < EMPTY_RECEIVES and (choice.limit is None or moved < choice.limit):
            batch = await _receive(api, source)
            fresh = [message for message in batch if message.message_id not in kept]
            empty = 0 if fresh else empty + 1
            for message in batch:
                kept[message.message_id] = message
            looked_at += len(fresh)
            for message in fresh:
                if not choice.wants(message) or (choice.limit is not None and moved >= choice.limit):
                    continue
                report(message)
                moved += 1
                if not dry_run:
                    await api.call("SendMessage", _copy(message, target), attempts=3)
                    await api.call(
                        "DeleteMessage", {"QueueUrl": source, "ReceiptHandle": message.receipt_handle}, attempts=5
                    )
                    del kept[message.message_id]
    finally:
        await _give_back(api, source, list(kept.values()))
    return moved, looked_at


async def _receive(api: SqsApi, source: str) -> list[Message]:
    response = await api.call(
        "ReceiveMessage",
        {
            "QueueUrl": source,
            "MaxNumberOfMessages": BATCH_SIZE,
            "WaitTimeSeconds": 1,
            "VisibilityTimeout": VISIBILITY,
            "MessageAttributeNames": ["All"],
            "MessageSystemAttributeNames": ["All"],
        },
        attempts=3,
    )
    return [Message.from_response(raw, source) for raw in response.get("Messages") or ()]


def _copy(message: Message, target: str) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "QueueUrl": target,
        "MessageBody": message.body,
        "MessageAttributes": original_attributes(message),
    }
    if target.endswith(".fifo"):
        # A deduplication ID of its own: within five minutes the original one would be swallowed silently.
        entry |= {
            "MessageGroupId": message.group_id or "default",
            "MessageDeduplicationId": f"replay-{message.message_id}",
        }
    return entry


async def _give_back(api: SqsApi, source: str, messages: list[Message]) -> None:
    for batch in chunks(messages):
        entries = [{"ReceiptHandle": message.receipt_handle, "VisibilityTimeout": 0} for message in batch]
        await call_batch(api, "ChangeMessageVisibilityBatch", source, entries)
