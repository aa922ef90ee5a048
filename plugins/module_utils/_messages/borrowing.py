# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Look at the messages of a queue without consuming them, and take some of them out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from .api import MessageApi
from .outgoing import BATCH_ENTRIES

POLL_SECONDS = 1
"""A poll of a second or more asks all servers of a queue; a shorter one may find an occupied queue empty."""
REMOVAL_VISIBILITY = 60
"""Seconds for which the others are hidden from consumers while the messages to delete are looked for."""


class Borrowed:
    """Messages received from a queue that are given back unless they were deleted."""

    def __init__(self, api: MessageApi, queue: str, visibility_timeout: int) -> None:
        self._api = api
        self._queue = queue
        self._visibility_timeout = visibility_timeout
        self._handles: dict[str, str] = {}

    def receive(self, limit: int = BATCH_ENTRIES) -> list[dict[str, Any]] | None:
        """Return up to ``limit`` messages not seen before, or None when the queue has no more."""
        received = self._api.receive(
            self._queue,
            visibility_timeout=self._visibility_timeout,
            wait=POLL_SECONDS,
            limit=min(limit, BATCH_ENTRIES),
        )
        fresh = [message for message in received if message["MessageId"] not in self._handles]
        self._handles.update({message["MessageId"]: message["ReceiptHandle"] for message in received})
        return fresh if fresh else None

    def delete(self, messages: Sequence[dict[str, Any]]) -> int:
        """Delete messages that were received; return how many could not be deleted."""
        handles = [self._handles[message["MessageId"]] for message in messages]
        failed = self._api.delete(self._queue, handles)
        for message in messages:
            del self._handles[message["MessageId"]]
        return failed

    def give_back(self) -> None:
        handles, self._handles = list(self._handles.values()), {}
        self._api.give_back(self._queue, handles)


@contextmanager
def borrowing(api: MessageApi, queue: str, visibility_timeout: int) -> Iterator[Borrowed]:
    """Receive messages that are made visible again at the end, whatever happens but a kill.

    After a kill they are visible again when ``visibility_timeout`` seconds are over.
    """
    borrowed = Borrowed(api, queue, visibility_timeout)
    try:
        yield borrowed
    finally:
        borrowed.give_back()


def remove(
    api: MessageApi, queue: str, *, wanted: Callable[[dict[str, Any]], bool], keep: bool = False
) -> tuple[list[dict[str, Any]], int]:
    """Delete the messages that are ``wanted``; return them, and how many could not be deleted. Raises AwsCallError.

    With ``keep`` nothing is deleted: the answer says what would be.
    """
    found: list[dict[str, Any]] = []
    undeleted = 0
    with borrowing(api, queue, REMOVAL_VISIBILITY) as borrowed:
        while (messages := borrowed.receive()) is not None:
            chosen = [message for message in messages if wanted(message)]
            if chosen and not keep:
                undeleted += borrowed.delete(chosen)
            found += chosen
    return found, undeleted


def look(
    api: MessageApi, queue: str, *, limit: int, visibility_timeout: int, wanted: Callable[[dict[str, Any]], bool]
) -> tuple[list[dict[str, Any]], int]:
    """Return up to ``limit`` messages that are ``wanted``, and how many were looked at. Raises AwsCallError."""
    found: list[dict[str, Any]] = []
    seen = 0
    with borrowing(api, queue, visibility_timeout) as borrowed:
        while len(found) < limit:
            messages = borrowed.receive()
            if messages is None:
                break
            seen += len(messages)
            found += [message for message in messages if wanted(message)]
    return found[:limit], seen
