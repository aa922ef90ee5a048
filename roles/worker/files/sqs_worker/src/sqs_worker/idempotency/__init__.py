# SPDX-License-Identifier: GPL-3.0-or-later
"""Stores of idempotency keys. ``sqs_worker.idempotency.sql.SqlStore`` serves applications in their own transactions."""

from __future__ import annotations

from enum import Enum
from typing import Protocol

from sqs_worker.errors import ConfigurationError


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


def open_store(url: str, ttl: float) -> Store:
    """The store a SQS_WORKER_IDEMPOTENCY_STORE names; raises ConfigurationError when it cannot be had."""
    if url.startswith("dynamodb:"):
        from sqs_worker.idempotency.dynamodb import DynamoStore  # noqa: PLC0415 - costs a start what it does not use

        return DynamoStore(url.removeprefix("dynamodb:").lstrip("/"), ttl)
    try:
        from sqs_worker.idempotency.sql import SqlStore  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ConfigurationError(
            [f"SQS_WORKER_IDEMPOTENCY_STORE needs the extra 'sql' (pip install 'sqs-worker[sql]'): {error}"]
        ) from error
    return SqlStore.from_url(url, ttl)
