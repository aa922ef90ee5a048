# SPDX-License-Identifier: GPL-3.0-or-later
"""A consumer span a message. Extra ``otel``."""

from __future__ import annotations

from opentelemetry import propagate
from opentelemetry.trace import SpanKind, Tracer

from sqs_worker.layers import trace
from sqs_worker.layers.middleware import Next
from sqs_worker.message import Message


class Span:
    """The middleware around the handler; stands inside the one of ``trace``."""

    def __init__(self, tracer: Tracer, queue: str) -> None:
        """``queue``: the queue's name."""
        self._tracer = tracer
        self._queue = queue

    async def middleware(self, message: Message, call_next: Next) -> None:
        """A consumer span around the handler, child of the message's trace context and parent of what it sends."""
        attributes = {
            "messaging.system": "aws_sqs",
            "messaging.operation.type": "process",
            "messaging.destination.name": self._queue,
            "messaging.message.id": message.message_id,
        }
        parent = propagate.extract(trace.headers())
        with self._tracer.start_as_current_span(
            f"process {self._queue}", context=parent, kind=SpanKind.CONSUMER, attributes=attributes
        ):
            carrier = trace.headers()
            propagate.inject(carrier)
            trace.current.set(carrier)
            await call_next(message)
