# SPDX-License-Identifier: GPL-3.0-or-later
"""5,000 fuzzed messages: no crash, no endless loop, no silent delete."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.fakesqs import Stored
from support.harness import DLQ, QUEUE, standard, until, working
from support.virtual import run

from sqs_worker import Message
from sqs_worker.handlers.command import environment_for
from sqs_worker.handlers.http import headers_for
from sqs_worker.layers.idempotency import Key

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
allowed = st.characters(codec="utf-8", exclude_characters="\ufffe\uffff", exclude_categories=["Cs", "Cc"]) | (
    st.sampled_from("\t\n\r")
)
"""The characters SQS takes (SendMessage, API reference)."""
bodies = st.one_of(
    st.text(allowed, min_size=1, max_size=60),
    json_values.map(json.dumps),
    st.sampled_from(["{", "[]", "null", "1e999", "NaN", '["x",{}]', "[" * 2000, '{"a":' * 500]),
    st.sampled_from(['["software.amazon.payloadoffloading.PayloadS3Pointer",{"s3BucketName":"b","s3Key":"k"}]']),
)
attribute_names = st.sampled_from(
    ["traceparent", "tracestate", "ExtendedPayloadSize", "SQSLargePayloadSize", "kind", "x.y"]
)
attribute_values = st.one_of(
    st.builds(lambda text: {"DataType": "String", "StringValue": text}, st.text(allowed, min_size=1, max_size=60)),
    st.builds(lambda text: {"DataType": "Number.x", "StringValue": text}, st.integers().map(str)),
    st.builds(lambda text: {"DataType": "Binary", "BinaryValue": text}, st.sampled_from(["AAE=", "gA==", "/w=="])),
)
messages = st.tuples(bodies, st.dictionaries(attribute_names, attribute_values, max_size=6))


async def handle(message: Message) -> None:
    """Use all there is of a message."""
    headers = headers_for(message)
    assert all(value.isprintable() and value.isascii() for value in headers.values())
    assert "\0" not in "".join(environment_for(message).values())
    document = message.json()
    assert Key("json:/a/b").of(message)
    assert message.attributes is not None
    if isinstance(document, dict) and not document:
        raise KeyError("order")


def dead_letter_id(stored: Stored) -> str:
    """The ID a dead-lettered message had in its queue."""
    source = stored.attributes.get("DeadLetterSource")
    return str(json.loads(source["StringValue"])["message_id"]) if source else stored.message_id


@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(messages, min_size=20, max_size=20))
def test_every_message_is_handled_or_dead_lettered(fuzzed: list[tuple[str, dict[str, Any]]]) -> None:
    async def main() -> None:
        sqs, handled = standard(), Counter[str]()

        async def counting(message: Message) -> None:
            await handle(message)
            handled[message.message_id] += 1

        sent = []
        for body, attributes in fuzzed:
            sent.append(sqs.send(QUEUE, body))
            sqs.queues[QUEUE].messages[-1].attributes = attributes
        async with working(sqs, counting, breaker_pause=1, breaker_pause_max=5, breaker_hold=30):
            await until(lambda: not sqs.queues[QUEUE].messages, 40_000, step=5)
        dead = {dead_letter_id(stored) for stored in sqs.queues[DLQ].messages}
        assert max(handled.values(), default=1) == 1
        assert set(sent) == set(handled) | dead
        assert len(handled) + len(sqs.queues[DLQ].messages) == len(fuzzed)

    run(main())
