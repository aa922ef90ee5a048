# SPDX-License-Identifier: GPL-3.0-or-later
"""Batches of up to ten entries, as SQS's batch operations take and answer them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqs_worker.client import SqsApi
from sqs_worker.errors import ApiError

BATCH_SIZE = 10  # entries in a batch request (SQS developer guide, quotas)
MAX_BATCH_BYTES = 1_048_576  # a message, and a whole SendMessageBatch (SQS developer guide, quotas)


@dataclass(frozen=True, slots=True)
class Failure:
    """An entry that was refused. ``retryable`` is false when the sender is at fault and a repetition is useless."""

    code: str
    message: str
    retryable: bool


def numbered(entries: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Entries with their position as ID.

    Never the message's own ID: a redelivered message can be twice in one batch, and SQS refuses equal IDs
    (awspring/spring-cloud-aws#1654).
    """
    return [{"Id": str(position), **entry} for position, entry in enumerate(entries)]


def failures(response: Mapping[str, Any], count: int) -> list[Failure | None]:
    """The outcome of each of ``count`` entries, in order; an entry the response does not name has failed."""
    unnamed = Failure("NoAnswer", "the response does not name this entry", retryable=True)
    outcome: list[Failure | None] = [unnamed] * count
    for entry in response.get("Successful") or ():
        outcome[int(entry["Id"])] = None
    for entry in response.get("Failed") or ():
        outcome[int(entry["Id"])] = Failure(
            str(entry.get("Code", "")), str(entry.get("Message", "")), retryable=not entry.get("SenderFault", False)
        )
    return outcome


def chunks(items: Sequence[Any], size: int = BATCH_SIZE) -> Iterable[Sequence[Any]]:
    """Consecutive pieces of at most ``size`` items."""
    return (items[start : start + size] for start in range(0, len(items), size))


async def call_batch(
    api: SqsApi, operation: str, queue_url: str, entries: Sequence[Mapping[str, Any]]
) -> list[Failure | None]:
    """Call a batch operation; a call that failed as a whole is a failure of each entry. Never raises ApiError."""
    try:
        response = await api.call(operation, {"QueueUrl": queue_url, "Entries": numbered(entries)})
    except ApiError as error:
        return [Failure(error.code, str(error), error.retryable)] * len(entries)
    return failures(response, len(entries))
