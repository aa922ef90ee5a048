# SPDX-License-Identifier: GPL-3.0-or-later
"""Idempotency: SQS delivers at least once; here an effect happens once per key."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from sqs_worker.errors import InProgressError
from sqs_worker.idempotency import Begun, Store
from sqs_worker.layers.middleware import Next
from sqs_worker.message import Message
from sqs_worker.observe.metrics import Metrics

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Key:
    """Where a message's idempotency key is: ``message_id``, ``deduplication_id``, ``body``, ``attribute:NAME`` or
    ``json:/POINTER``."""

    source: str

    def of(self, message: Message) -> str:
        """The message's key; falls back to the message ID where the message lacks what the source names."""
        value: Any = None
        kind, _unused, name = self.source.partition(":")
        if kind == "deduplication_id":
            value = message.deduplication_id
        elif kind == "body":
            value = hashlib.sha256(message.body.encode()).hexdigest()
        elif kind == "attribute":
            value = message.attributes.get(name)
        elif kind == "json":
            value = _at_pointer(message.json(), name)
        return f"{kind}:{value}" if value is not None else f"message_id:{message.message_id}"


class Idempotency:
    """The middleware around the handler."""

    def __init__(self, store: Store, key: Key, lock_seconds: float, queue: str, metrics: Metrics) -> None:
        self._store = store
        self._key = key
        self._lock_seconds = lock_seconds
        self._queue = queue
        self._metrics = metrics
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="idempotency")

    async def middleware(self, message: Message, call_next: Next) -> None:
        """Run the handler unless the key is done; keep the lock while it runs."""
        key, owner = f"{self._queue}:{self._key.of(message)}", uuid4().hex
        begun = await self._call(self._store.begin, key, owner, self._lock_seconds)
        if begun is Begun.DONE:
            self._metrics.duplicates.inc()
            log.info("message %s was done before: %s", message.message_id, key)
            return
        if begun is Begun.BUSY:
            raise InProgressError(f"{key} is in progress in another worker", retry_after=self._lock_seconds)
        renewal = asyncio.create_task(self._renew(key, owner))
        try:
            await call_next(message)
        except BaseException:
            renewal.cancel()
            await self._call(self._store.abandon, key, owner)
            raise
        renewal.cancel()
        try:
            await self._call(self._store.finish, key, owner)
        except Exception:
            # The effect has happened, so the message is to be deleted all the same: a retry would repeat the effect.
            log.exception("%s was done, but could not be remembered", key)

    async def _renew(self, key: str, owner: str) -> None:
        while True:
            await asyncio.sleep(self._lock_seconds / 3)
            try:
                await self._call(self._store.begin, key, owner, self._lock_seconds)
            except Exception as error:
                log.warning("lock of %s could not be prolonged: %s", key, error)

    async def _call(self, function: Any, *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)


def _at_pointer(document: Any, pointer: str) -> Any:
    """The value at a JSON pointer (RFC 6901), None when there is none."""
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(document, dict):
            document = document.get(name)
        elif isinstance(document, list) and name.isdecimal() and int(name) < len(document):
            document = document[int(name)]
        else:
            return None
    return json.dumps(document) if isinstance(document, dict | list) else document
