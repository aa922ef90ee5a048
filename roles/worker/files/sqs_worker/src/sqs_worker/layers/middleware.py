# SPDX-License-Identifier: GPL-3.0-or-later
"""Middleware: functions around the handler, each ``async def name(message, call_next)``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from sqs_worker.message import Message

Next = Callable[[Message], Awaitable[None]]
Middleware = Callable[[Message, Next], Awaitable[None]]


def compose(handler: Next, middleware: Sequence[Middleware]) -> Next:
    """The handler with all middleware around it, the first outermost."""
    for layer in reversed(middleware):
        handler = _around(layer, handler)
    return handler


def _around(layer: Middleware, inner: Next) -> Next:
    async def call(message: Message) -> None:
        await layer(message, inner)

    return call
