# SPDX-License-Identifier: GPL-3.0-or-later
"""Idempotency keys in SQLite or PostgreSQL. Needs the extra ``sql``."""

from __future__ import annotations

import time
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from sqs_worker.errors import ConfigurationError
from sqs_worker.idempotency.store import Begun

PURGED_EVERY = 3600.0  # seconds between two removals of expired keys
FIFTEEN_DAYS = 15 * 86_400.0  # longer than SQS keeps any message


class SqlStore:
    """Keys in one table; every step is one statement, so it is atomic whatever the isolation level."""

    def __init__(self, engine: sa.Engine, *, ttl: float = FIFTEEN_DAYS, table: str = "sqs_idempotency") -> None:
        """``ttl``: seconds for which a done key is remembered."""
        self._engine = engine
        self._ttl = ttl
        self._purged_at = 0.0
        self._table = sa.Table(
            table,
            sa.MetaData(),
            sa.Column("key", sa.Text, primary_key=True),
            sa.Column("owner", sa.Text, nullable=False),
            sa.Column("done", sa.Boolean, nullable=False),
            sa.Column("expires_at", sa.Float, nullable=False),
        )

    @classmethod
    def from_url(cls, url: str, ttl: float) -> SqlStore:
        """A store with a table of its own at a database URL; raises ConfigurationError, never showing a password."""
        try:
            store = cls(sa.create_engine(url), ttl=ttl)
            store.create_table()
        except (sa.exc.ArgumentError, ImportError, sa.exc.OperationalError) as error:
            reason = error.orig if isinstance(error, sa.exc.OperationalError) else error
            raise ConfigurationError([f"SQS_WORKER_IDEMPOTENCY_STORE: {type(error).__name__}: {reason}"]) from error
        return store

    def create_table(self) -> None:
        """Create the table where it is missing."""
        self._table.create(self._engine, checkfirst=True)

    def once(self, connection: sa.Connection, key: str) -> bool:
        """Whether the key is new, remembering it in the caller's transaction: effect and key together or not at all."""
        statement = self._insert().values(key=key, owner="", done=True, expires_at=time.time() + self._ttl)
        return _touched(connection, statement.on_conflict_do_nothing(index_elements=["key"]))

    def begin(self, key: str, owner: str, lock_seconds: float) -> Begun:
        """See Store."""
        table, now = self._table, time.time()
        wanted = {"owner": owner, "done": False, "expires_at": now + lock_seconds}
        acquire = (
            self._insert()
            .values(key=key, **wanted)
            .on_conflict_do_update(
                index_elements=["key"],
                set_=wanted,
                where=sa.or_(table.c.expires_at <= now, sa.and_(table.c.owner == owner, sa.not_(table.c.done))),
            )
        )
        with self._engine.begin() as connection:
            if now - self._purged_at > PURGED_EVERY:
                connection.execute(table.delete().where(table.c.expires_at <= now))
                self._purged_at = now
            if _touched(connection, acquire):
                return Begun.ACQUIRED
            done = connection.execute(sa.select(table.c.done).where(table.c.key == key)).scalar()
        return Begun.DONE if done else Begun.BUSY

    def finish(self, key: str, owner: str) -> None:
        """See Store."""
        self._change(key, owner, self._table.update().values(done=True, expires_at=time.time() + self._ttl))

    def abandon(self, key: str, owner: str) -> None:
        """See Store."""
        self._change(key, owner, self._table.delete())

    def _change(self, key: str, owner: str, statement: Any) -> None:
        with self._engine.begin() as connection:
            connection.execute(statement.where(self._table.c.key == key, self._table.c.owner == owner))

    def _insert(self) -> Any:
        dialect: Any = postgresql if self._engine.dialect.name == "postgresql" else sqlite
        return dialect.insert(self._table)


def _touched(connection: sa.Connection, upsert: Any) -> bool:
    """Whether an insert with a conflict clause wrote its row; not every driver counts the rows of an insert."""
    return connection.execute(upsert.returning(sa.literal(1))).first() is not None
