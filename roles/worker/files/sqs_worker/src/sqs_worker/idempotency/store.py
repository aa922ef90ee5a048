# SPDX-License-Identifier: GPL-3.0-or-later
"""What a store of idempotency keys does."""

from __future__ import annotations

from enum import Enum
from typing import Protocol


class Begun(Enum):
    """What a store answers to an attempt to begin."""

    ACQUIRED = "acquired"
    BUSY = "busy"
    DONE = "done"


class Store(Protocol):
    """Remembers keys: in progress until ``lock_seconds`` are over, or done. Calls block; errors pass through."""

    def begin(self, key: str, owner: str, lock_seconds: float) -> Begun:
        """Acquire the key, or prolong the owner's own lock."""

    def finish(self, key: str, owner: str) -> None:
        """The effect has happened: remember the key."""

    def abandon(self, key: str, owner: str) -> None:
        """The effect has not happened: free the key for the next try."""
