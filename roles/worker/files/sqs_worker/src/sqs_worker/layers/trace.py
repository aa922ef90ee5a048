# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries trace context through: W3C ``traceparent`` and ``tracestate``, and X-Ray's ``AWSTraceHeader``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

from sqs_worker.layers.middleware import Next
from sqs_worker.message import MAX_ATTRIBUTES, Message
from sqs_worker.observe import logs

TRACEPARENT = re.compile(r"[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
XRAY_HEADER = "X-Amzn-Trace-Id"

current: ContextVar[dict[str, str]] = ContextVar("sqs_worker_trace", default={})  # noqa: B039
"""The trace headers of the message being handled; replaced, never changed."""


def headers() -> dict[str, str]:
    """The current trace context as HTTP headers."""
    return dict(current.get())


def from_message(message: Message) -> dict[str, str]:
    """The trace headers a message carries; a malformed traceparent counts as none (W3C Trace Context, 3.2)."""
    found = {}
    traceparent = _text(message, "traceparent")
    if TRACEPARENT.fullmatch(traceparent):
        found["traceparent"] = traceparent
        if _text(message, "tracestate"):
            found["tracestate"] = _text(message, "tracestate")
    if "AWSTraceHeader" in message.system_attributes:
        found[XRAY_HEADER] = message.system_attributes["AWSTraceHeader"]
    return found


async def middleware(message: Message, call_next: Next) -> None:
    """Make the message's trace context the current one, for its handler and what that sends and logs."""
    found = from_message(message) if message.message_attributes or "AWSTraceHeader" in message.system_attributes else {}
    if found:
        current.set(found)
        trace_id = found["traceparent"].split("-")[1] if "traceparent" in found else found[XRAY_HEADER]
        logs.context.set(logs.context.get() | {"trace_id": trace_id})
    await call_next(message)


def added(entry: Mapping[str, Any]) -> dict[str, Any]:
    """An entry for SendMessage with the current trace context, where it has none and there is room."""
    context, entry = headers(), dict(entry)
    attributes = entry.get("MessageAttributes", {})
    for name in ("traceparent", "tracestate"):
        if name in context and name not in attributes and len(attributes) < MAX_ATTRIBUTES:
            attributes = attributes | {name: {"DataType": "String", "StringValue": context[name]}}
    if attributes:
        entry["MessageAttributes"] = attributes
    if XRAY_HEADER in context:
        header = {"DataType": "String", "StringValue": context[XRAY_HEADER]}
        entry["MessageSystemAttributes"] = {"AWSTraceHeader": header}
    return entry


def _text(message: Message, name: str) -> str:
    return str(message.message_attributes.get(name, {}).get("StringValue", ""))
