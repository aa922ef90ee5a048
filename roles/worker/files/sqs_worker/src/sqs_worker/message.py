# SPDX-License-Identifier: GPL-3.0-or-later
"""A received message, as a handler sees it."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqs_worker.errors import FatalError

CANARY = "ecommerce.sqs.canary"
"""Message attribute of a canary message, which a deploy sends to see that a worker receives; its value is an ID."""
CANARY_ID = re.compile(r"[A-Za-z0-9-]{1,64}")
MAX_ATTRIBUTES = 10  # message attributes of a message (SQS developer guide, message metadata)


@dataclass(slots=True, eq=False)
class Message:
    """One delivery of one message.

    ``attributes`` are the user's message attributes by name: text for String and Number, bytes for Binary.
    ``receive_count`` counts SQS's deliveries plus the tries made in this process while the message was kept.
    """

    body: str
    message_id: str
    receipt_handle: str = ""
    queue_url: str = ""
    system_attributes: Mapping[str, str] = field(default_factory=dict)
    message_attributes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    retries: int = 0

    @classmethod
    def from_response(cls, raw: Mapping[str, Any], queue_url: str) -> Message:
        """Read an entry of ReceiveMessage's ``Messages``."""
        return cls(
            raw.get("Body", ""),
            raw["MessageId"],
            raw["ReceiptHandle"],
            queue_url,
            raw.get("Attributes") or {},
            raw.get("MessageAttributes") or {},
        )

    def json(self) -> Any:
        """The body as JSON; a malformed body is a FatalError, since it stays malformed."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise FatalError(f"malformed body: not JSON: {error}") from error

    @property
    def attributes(self) -> dict[str, str | bytes]:
        """The user's message attributes: text, or bytes where the attribute's type is Binary."""
        return {name: _attribute_value(value) for name, value in self.message_attributes.items()}

    @property
    def canary(self) -> str | None:
        """The ID of a canary message, which no handler gets to see; None for every other message."""
        identifier = str(self.message_attributes.get(CANARY, {}).get("StringValue", ""))
        return identifier if CANARY_ID.fullmatch(identifier) else None

    @property
    def receive_count(self) -> int:
        """How often the message has been tried, this time included."""
        return int(self.system_attributes.get("ApproximateReceiveCount", "1")) + self.retries

    @property
    def group_id(self) -> str | None:
        """The FIFO message group, if any."""
        return self.system_attributes.get("MessageGroupId")

    @property
    def deduplication_id(self) -> str | None:
        """The FIFO deduplication ID, if any."""
        return self.system_attributes.get("MessageDeduplicationId")

    @property
    def sent_at(self) -> datetime | None:
        """When the message was sent, in UTC."""
        stamp = self.system_attributes.get("SentTimestamp")
        return datetime.fromtimestamp(int(stamp) / 1000, UTC) if stamp else None


def _attribute_value(value: Mapping[str, Any]) -> str | bytes:
    if "BinaryValue" in value:
        binary = value["BinaryValue"]
        return binary if isinstance(binary, bytes) else base64.b64decode(binary)
    return str(value.get("StringValue", ""))
