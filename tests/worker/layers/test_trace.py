# SPDX-License-Identifier: GPL-3.0-or-later
"""Trace context, from a message to what its handler sends."""

from __future__ import annotations

import asyncio

from support.producing import URL, Client

from sqs_worker import Message, Producer
from sqs_worker.batch import MAX_BATCH_BYTES
from sqs_worker.layers import trace

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_a_handler_passes_its_trace_context_on() -> None:
    client = Client()
    producer = Producer(URL, client=client)
    message = Message(
        "x", "m", system_attributes={"AWSTraceHeader": "Root=1-2-3"},
        message_attributes={"traceparent": {"DataType": "String", "StringValue": TRACEPARENT}},
    )  # fmt: skip

    async def handle(_message: Message) -> None:
        await asyncio.to_thread(producer.send, "next", attributes={"kind": "new"})

    asyncio.run(trace.middleware(message, handle))
    (entry,) = client.sent
    assert entry["MessageAttributes"]["traceparent"]["StringValue"] == TRACEPARENT
    assert entry["MessageAttributes"]["kind"]["StringValue"] == "new"
    assert entry["MessageSystemAttributes"]["AWSTraceHeader"]["StringValue"] == "Root=1-2-3"


def test_a_malformed_traceparent_is_not_passed_on() -> None:
    for wrong in ("", "00-xyz", f"00-{'0' * 32}-b7ad6b7169203331-01", "x" * 1000):
        attributes = {"traceparent": {"DataType": "String", "StringValue": wrong}}
        assert trace.from_message(Message("x", "m", message_attributes=attributes)) == {}


def test_trace_context_never_makes_a_message_too_large_or_takes_a_users_attribute() -> None:
    client = Client()
    producer = Producer(URL, client=client)
    token = trace.current.set({"traceparent": TRACEPARENT})
    try:
        producer.send("x" * MAX_BATCH_BYTES)
        producer.send("x", attributes={f"a{number}": "v" for number in range(10)})
    finally:
        trace.current.reset(token)
    assert "MessageAttributes" not in client.sent[0]
    assert len(client.sent[1]["MessageAttributes"]) == 10
