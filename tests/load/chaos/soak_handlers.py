# SPDX-License-Identifier: GPL-3.0-or-later
"""The soak run's handler: most succeed, some fail once, some always, some are fatal."""

from __future__ import annotations

from sqs_worker import FatalError, Message


async def handle(message: Message) -> None:
    """Decide by the message's number."""
    number = int(message.body.split()[0])
    if number % 500 == 1:
        raise FatalError("fatal")
    if number % 100 == 2 and message.receive_count == 1:
        raise ValueError("once")
    if number % 1000 == 3:
        raise ValueError("always")
