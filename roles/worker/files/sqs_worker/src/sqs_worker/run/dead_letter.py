# SPDX-License-Identifier: GPL-3.0-or-later
"""A dead letter: a copy of its message with the reason and where it came from; written and read here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqs_worker.batch import MAX_BATCH_BYTES
from sqs_worker.errors import ApiError
from sqs_worker.message import MAX_ATTRIBUTES, Message

REASON_ATTRIBUTE = "DeadLetterReason"
SOURCE_ATTRIBUTE = "DeadLetterSource"
MAX_REASON = 1_000  # characters; enough for an error's message, far below a message's size

Attributes = Mapping[str, Mapping[str, Any]]


def dead_letter(message: Message, reason: str, queue_url: str, dead_letter_queue_url: str) -> dict[str, Any]:
    """The parameters of SendMessage for a copy of a message of ``queue_url``; what there is no room for is left out.

    Raises ApiError, not to be repeated, when the message has no attribute left for its reason.
    """
    attributes = {name: dict(value) for name, value in message.message_attributes.items()}
    if len(attributes) >= MAX_ATTRIBUTES:
        raise ApiError("SendMessage", "NoRoom", "no attribute is left for the reason", retryable=False)
    source = {
        "queue": queue_url.rpartition("/")[2],
        "message_id": message.message_id,
        "receive_count": message.receive_count,
    }
    room = MAX_BATCH_BYTES - len(message.body.encode()) - _size(attributes)
    for name, text in ((REASON_ATTRIBUTE, _allowed(reason)[:MAX_REASON]), (SOURCE_ATTRIBUTE, json.dumps(source))):
        attribute = {name: {"DataType": "String", "StringValue": text}}
        if len(attributes) < MAX_ATTRIBUTES and _size(attribute) <= room:
            attributes |= attribute
            room -= _size(attribute)
    copy: dict[str, Any] = {
        "QueueUrl": dead_letter_queue_url,
        "MessageBody": message.body,
        "MessageAttributes": attributes,
    }
    if dead_letter_queue_url.endswith(".fifo"):
        # The message's own ID as deduplication ID: a copy sent twice, after a lost answer, arrives once.
        copy |= {"MessageGroupId": message.group_id or "default", "MessageDeduplicationId": message.message_id}
    if "AWSTraceHeader" in message.system_attributes:
        header = {"DataType": "String", "StringValue": message.system_attributes["AWSTraceHeader"]}
        copy["MessageSystemAttributes"] = {"AWSTraceHeader": header}
    return copy


def reason_of(message: Message) -> str:
    """The reason the worker gave when it dead-lettered the message; empty when SQS moved it."""
    return str(message.attributes.get(REASON_ATTRIBUTE, ""))


def original_attributes(message: Message) -> Attributes:
    """The message attributes of a dead letter without those it got with its reason."""
    added = (REASON_ATTRIBUTE, SOURCE_ATTRIBUTE)
    return {name: value for name, value in message.message_attributes.items() if name not in added}


def _size(attributes: Attributes) -> int:
    return sum(
        len(name.encode()) + sum(len(str(part).encode()) for part in attribute.values())
        for name, attribute in attributes.items()
    )


def _allowed(text: str) -> str:
    """``text`` without the characters SQS refuses in a message (SendMessage, API reference)."""
    return "".join(
        char if char in "\t\n\r" or " " <= char <= "\ud7ff" or "\ue000" <= char <= "\ufffd" or char > "\uffff" else "�"
        for char in text
    )
