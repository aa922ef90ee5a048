# SPDX-License-Identifier: GPL-3.0-or-later
"""What every kind of handler is."""

from __future__ import annotations

from collections.abc import Callable

from sqs_worker.message import Message


class Handler:
    """An awaitable call for one message. Subclasses say how.

    ``stuck`` counts runs that were given up but cannot be interrupted and so still hold a slot; ``on_free`` is called
    when one of them ends after all.
    """

    def __init__(self) -> None:
        self.stuck = 0
        self.on_free: Callable[[], None] = lambda: None

    async def __call__(self, message: Message) -> None:
        """Handle the message; what it raises decides the message's fate (see ``sqs_worker.errors``)."""
        raise NotImplementedError

    async def close(self) -> None:
        """Let go of connections and the like."""
