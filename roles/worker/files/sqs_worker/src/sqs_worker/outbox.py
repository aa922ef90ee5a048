# SPDX-License-Identifier: GPL-3.0-or-later
"""A transactional outbox: a message is stored in the transaction that makes it true, and sent afterwards.

A crash between the database and SQS then loses nothing, and a message of a transaction that was rolled back is never
sent. Needs the extra ``sql``.
"""

from __future__ import annotations

import fcntl
import json
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from sqs_worker.backoff import Backoff
from sqs_worker.errors import ApiError
from sqs_worker.producer import Attributes, Body, Outgoing, Producer, SendError

log = logging.getLogger(__name__)

FAILING_QUEUE = Backoff(base=1.0, maximum=30.0)
RELAY_BATCH = 100  # rows a relay takes at once; ten full batches


class Outbox:
    """An outbox in the service's own database (SQLite, PostgreSQL); any number of processes may relay it.

    Messages of a FIFO group leave in the order they were added: one relay works at a time. While it talks to SQS it
    holds no transaction: an SQS that does not answer holds up nobody who writes to the database.
    """

    def __init__(self, engine: sa.Engine, *, table: str = "sqs_outbox", client: Any = None) -> None:
        """``client`` is a boto3 or botocore SQS client, made from the environment when left out."""
        self._engine = engine
        self._client = client
        self._producers: dict[str, Producer] = {}
        self._failures: dict[str, int] = {}
        self._rests_until: dict[str, float] = {}
        self._table = sa.Table(
            table,
            sa.MetaData(),
            sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
            sa.Column("queue_url", sa.Text, nullable=False),
            sa.Column("message", sa.Text, nullable=False),
        )

    def create_table(self) -> None:
        """Create the outbox's table where it is missing."""
        self._table.create(self._engine, checkfirst=True)

    def add(
        self,
        connection: sa.Connection,
        queue_url: str,
        body: Body,
        *,
        attributes: Attributes | None = None,
        group_id: str | None = None,
        deduplication_id: str | None = None,
        delay_seconds: int = 0,
    ) -> None:
        """Store a message in the caller's transaction; raises ValueError for what SQS would refuse.

        A FIFO message without a deduplication ID gets one of its own, so that relaying it twice delivers it once.
        """
        if queue_url.endswith(".fifo"):
            if group_id is None:
                raise ValueError(f"group_id is missing: {queue_url} is a FIFO queue")
            deduplication_id = deduplication_id or uuid4().hex
        for name, value in (attributes or {}).items():
            if isinstance(value, bytes):
                raise ValueError(f"attribute {name}: the outbox stores text and numbers, not bytes")  # noqa: TRY004
        outgoing = Outgoing(body, attributes or {}, group_id, deduplication_id, delay_seconds)
        outgoing.entry()
        message = {
            "body": outgoing.text(),
            "attributes": dict(outgoing.attributes),
            "group_id": group_id,
            "deduplication_id": deduplication_id,
            "delay_seconds": delay_seconds,
        }
        connection.execute(self._table.insert().values(queue_url=queue_url, message=json.dumps(message)))

    def pending(self) -> int:
        """Messages that are stored and not yet sent."""
        with self._engine.connect() as connection:
            return connection.execute(sa.select(sa.func.count()).select_from(self._table)).scalar_one()

    def relay_once(self) -> int:
        """Send stored messages, oldest first, and return how many were sent; 0 when another process is at it.

        Rows are deleted only after SQS has taken their messages: a crash in between sends them again. A queue that
        fails keeps its messages for the next time and does not keep those of other queues back.
        """
        with self._alone() as alone:
            return sum(self._relay_queue(queue_url) for queue_url in self._queue_urls()) if alone else 0

    @contextmanager
    def relay(self, interval: float = 0.5) -> Iterator[None]:
        """Relay in a background thread, every ``interval`` seconds and once more at the end.

        A queue that fails is left alone for a while, up to half a minute.
        """
        stop = threading.Event()

        def run() -> None:
            while not stop.is_set():
                if not self._relay_safely():
                    stop.wait(interval)

        thread = threading.Thread(target=run, name="outbox-relay", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
            self._relay_safely()

    def _relay_safely(self) -> int:
        try:
            with self._alone() as alone:
                rested = [url for url in self._queue_urls() if self._rests_until.get(url, 0.0) <= time.monotonic()]
                return sum(self._relay_queue(queue_url) for queue_url in rested) if alone else 0
        except Exception:
            log.exception("the outbox could not be relayed; it is tried again")
            return 0

    def _queue_urls(self) -> list[str]:
        with self._engine.connect() as connection:
            return list(connection.execute(sa.select(self._table.c.queue_url).distinct()).scalars())

    def _relay_queue(self, queue_url: str) -> int:
        table = self._table
        oldest = sa.select(table).where(table.c.queue_url == queue_url).order_by(table.c.id).limit(RELAY_BATCH)
        with self._engine.connect() as connection:
            rows = connection.execute(oldest).all()
        done = self._send(queue_url, list(rows))
        self._failures[queue_url] = 0 if len(done) == len(rows) else self._failures.get(queue_url, 0) + 1
        rest = FAILING_QUEUE.delay(self._failures[queue_url]) if self._failures[queue_url] else 0.0
        self._rests_until[queue_url] = time.monotonic() + rest
        if done:
            with self._engine.begin() as connection:
                connection.execute(table.delete().where(table.c.id.in_(done)))
        return len(done)

    @contextmanager
    def _alone(self) -> Iterator[bool]:
        """Let one relay at a time in: two would send a group's messages out of order.

        Both locks end with their process, whatever ends it.
        """
        if self._engine.dialect.name == "postgresql":
            key = sa.func.hashtext(self._table.name)
            with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                locked = bool(connection.execute(sa.select(sa.func.pg_try_advisory_lock(key))).scalar_one())
                try:
                    yield locked
                finally:
                    if locked:
                        connection.execute(sa.select(sa.func.pg_advisory_unlock(key)))
            return
        # An SQLite database is a file of this machine, and so can its lock be.
        database = (self._engine.url.database or "").removeprefix("file:")
        if database in {"", ":memory:"}:
            yield True
            return
        path = Path(f"{database}-{self._table.name}.lock")
        with path.open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True

    def _send(self, queue_url: str, rows: list[Any]) -> list[int]:
        """Send the rows' messages and return the IDs of the rows whose messages SQS took."""
        producer = self._producers.get(queue_url)
        if producer is None:
            producer = self._producers[queue_url] = Producer(queue_url, client=self._client)
        messages = [Outgoing(**json.loads(row.message)) for row in rows]
        try:
            producer.send_many(messages)
        except SendError as error:
            log.warning("outbox, %s: %s", queue_url, error)
            return [row.id for position, row in enumerate(rows) if position not in error.failed]
        except ApiError as error:
            log.warning("outbox, %s: %s; it is tried again", queue_url, error)
            return []
        return [row.id for row in rows]
