# SPDX-License-Identifier: GPL-3.0-or-later
"""A message with everything that a handler may be handed on."""

from __future__ import annotations

from sqs_worker import Message

MESSAGE = Message(
    body='{"order": "Ærø"}',
    message_id="id-1",
    queue_url="https://sqs.example/1/orders",
    system_attributes={
        "ApproximateReceiveCount": "2",
        "ApproximateFirstReceiveTimestamp": "1700000000123",
        "SenderId": "AIDA",
        "AWSTraceHeader": "Root=1-2-3",
    },
    message_attributes={
        "kind": {"DataType": "String", "StringValue": "new\norder Ø"},
        "raw": {"DataType": "Binary", "BinaryValue": "AAE="},
        "traceparent": {
            "DataType": "String",
            "StringValue": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        },
    },
)
