# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Received messages: how they are shown, filtered, edited and sent on. Pure."""

from __future__ import annotations

import base64
import datetime
import json
from collections.abc import Mapping
from typing import Any

from .._topology.names import name_in
from .outgoing import Entry

REASON_ATTRIBUTE = "DeadLetterReason"
"""Attribute in which a worker says why it sent a message to the dead-letter queue."""
SOURCE_ATTRIBUTE = "DeadLetterSource"
"""Attribute (JSON: queue, message_id, receive_count) in which it says where the message came from."""

Received = Mapping[str, Any]


def show_message(message: Received, now: float) -> dict[str, Any]:
    """Return a received message in the form of module results.

    ``now`` is in seconds since the epoch. Times are ISO 8601 in UTC, ages in seconds. ``reason`` and
    ``dead_letter_source`` are what is known about why the message is in a dead-letter queue.
    """
    system: Mapping[str, str] = message.get("Attributes", {})
    attributes = {name: _plain(value) for name, value in message.get("MessageAttributes", {}).items()}
    sent = _seconds(system.get("SentTimestamp"))
    first = _seconds(system.get("ApproximateFirstReceiveTimestamp"))
    return {
        "message_id": message["MessageId"],
        "body": message["Body"],
        "json": _as_json(message["Body"]),
        "attributes": attributes,
        "receive_count": int(system.get("ApproximateReceiveCount", 0)),
        "sent_at": _iso(sent),
        "first_received_at": _iso(first),
        "age_seconds": None if sent is None else max(0, int(now - sent)),
        "group_id": system.get("MessageGroupId"),
        "deduplication_id": system.get("MessageDeduplicationId"),
        "sequence_number": system.get("SequenceNumber"),
        "trace_header": system.get("AWSTraceHeader"),
        "sender_id": system.get("SenderId"),
        "reason": attributes.get(REASON_ATTRIBUTE),
        "dead_letter_source": source_of(message),
    }


def source_of(message: Received) -> str | None:
    """Return the name of the queue that a message in a dead-letter queue came from, or None when it is not known."""
    arn = message.get("Attributes", {}).get("DeadLetterQueueSourceArn")
    if arn:
        return name_in(str(arn))
    noted = _as_json(message.get("MessageAttributes", {}).get(SOURCE_ATTRIBUTE, {}).get("StringValue", ""))
    name = noted.get("queue") if isinstance(noted, dict) else None
    return name if isinstance(name, str) else None


def resend_entry(message: Received, *, fifo: bool) -> Entry:
    """Return a received message as it is sent to another queue.

    Body, attributes, trace header and, for a FIFO queue, group and deduplication ID are kept. What a worker noted
    about the dead-lettering is left out: it is history once the message is tried again.
    """
    attributes = {
        name: {key: item for key, item in value.items() if key in ("DataType", "StringValue", "BinaryValue")}
        for name, value in message.get("MessageAttributes", {}).items()
        if name not in (REASON_ATTRIBUTE, SOURCE_ATTRIBUTE)
    }
    system: Mapping[str, str] = message.get("Attributes", {})
    entry: Entry = {"MessageBody": message["Body"], "MessageAttributes": attributes}
    if "AWSTraceHeader" in system:
        header = {"DataType": "String", "StringValue": system["AWSTraceHeader"]}
        entry["MessageSystemAttributes"] = {"AWSTraceHeader": header}
    if system.get("MessageGroupId"):
        entry["MessageGroupId"] = system["MessageGroupId"]
    if fifo:
        entry.setdefault("MessageGroupId", "default")
        entry["MessageDeduplicationId"] = system.get("MessageDeduplicationId") or message["MessageId"]
    return entry


def _plain(attribute: Mapping[str, Any]) -> Any:
    """Return an attribute's value: a number where it is one, Base64 where it is binary, else text."""
    kind = attribute["DataType"].split(".")[0]
    if kind == "Binary":
        return base64.b64encode(attribute.get("BinaryValue", b"")).decode()
    text = attribute.get("StringValue", "")
    if kind == "Number":
        try:
            return int(text)
        except ValueError:
            return text
    return text


def _as_json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _seconds(milliseconds: str | None) -> float | None:
    return None if milliseconds is None else int(milliseconds) / 1000


def _iso(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    moment = datetime.datetime.fromtimestamp(seconds, tz=datetime.timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
