# SPDX-License-Identifier: GPL-3.0-or-later
"""Stores of idempotency keys. ``sqs_worker.idempotency.sql.SqlStore`` serves applications in their own transactions."""

from __future__ import annotations

from sqs_worker.errors import ConfigurationError
from sqs_worker.idempotency.store import Begun, Store

__all__ = ["Begun", "Store", "open_store"]


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
