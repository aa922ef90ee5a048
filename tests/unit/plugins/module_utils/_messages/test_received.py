# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a received message is shown, and sent on."""

from __future__ import annotations

from ansible_collections.ecommerce.sqs.plugins.module_utils._messages.received import resend_entry, show_message


def test_a_message_is_shown_with_why_and_how_often() -> None:
    message = {
        "MessageId": "id",
        "Body": '{"order": 1}',
        "Attributes": {
            "SentTimestamp": "1795000000000",
            "ApproximateReceiveCount": "4",
            "DeadLetterQueueSourceArn": "arn:aws:sqs:r:1:orders",
        },
        "MessageAttributes": {
            "DeadLetterReason": {"DataType": "String", "StringValue": "no such product"},
            "blob": {"DataType": "Binary", "BinaryValue": b"\x00"},
        },
    }
    shown = show_message(message, 1795000060.0)
    assert shown["json"] == {"order": 1}
    assert shown["reason"] == "no such product"
    assert shown["dead_letter_source"] == "orders"
    assert shown["receive_count"] == 4
    assert shown["age_seconds"] == 60
    assert shown["sent_at"] == "2026-11-18T11:06:40.000Z"
    assert shown["attributes"]["blob"] == "AA=="


def test_what_is_sent_on_keeps_everything_but_the_notes_of_the_dead_lettering() -> None:
    message = {
        "MessageId": "id",
        "Body": "x",
        "Attributes": {"MessageGroupId": "g", "MessageDeduplicationId": "d", "AWSTraceHeader": "Root=1"},
        "MessageAttributes": {
            "a": {"DataType": "String", "StringValue": "1"},
            "DeadLetterReason": {"DataType": "String", "StringValue": "bad"},
        },
    }
    entry = resend_entry(message, fifo=True)
    assert entry["MessageAttributes"] == {"a": {"DataType": "String", "StringValue": "1"}}
    assert (entry["MessageGroupId"], entry["MessageDeduplicationId"]) == ("g", "d")
    assert entry["MessageSystemAttributes"]["AWSTraceHeader"]["StringValue"] == "Root=1"
