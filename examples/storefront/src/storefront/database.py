# SPDX-License-Identifier: GPL-3.0-or-later
"""Database access shared by the services: SQLite by default, PostgreSQL by URL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, Connection, Dialect, Engine, make_url
from sqlalchemy.exc import ArgumentError

from sqs_worker.outbox import Outbox
from storefront.settings import SettingsError

SQLITE_BUSY_TIMEOUT_SECONDS = 30
_SCHEMA_LOCK = 7_316_001  # any number will do, as long as every process of the storefront uses the same


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """A moment in UTC; SQLite has no time zones, so what it gives back is marked as UTC here."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Mark what the database returned as UTC, or convert it."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def connect(url: str) -> Engine:
    """Make the engine for a database URL.

    On SQLite every transaction of ``engine.begin()`` takes the write lock at its start: a transaction that reads
    first and writes later would otherwise fail with "database is locked" whatever the busy timeout is.

    :param url: ``sqlite:///relative/or//absolute/path`` or ``postgresql://user:password@host/database``.
    :raises SettingsError: the URL is not one of these, or the folder of an SQLite file cannot be made.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise SettingsError(_WRONG_URL) from None
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        return _connect_sqlite(parsed)
    if backend in {"postgres", "postgresql"}:
        return sa.create_engine(parsed.set(drivername="postgresql+psycopg"), pool_pre_ping=True, hide_parameters=True)
    raise SettingsError(_WRONG_URL)


_WRONG_URL = (
    "DATABASE_URL: is not a URL of the form sqlite:////absolute/path or postgresql://user:password@host:5432/database; "
    "correct it in the service's .env file"
)


def _connect_sqlite(url: URL) -> Engine:
    if not url.database or url.database == ":memory:":
        raise SettingsError("DATABASE_URL: an SQLite database must be a file, because a service is several processes")
    folder = Path(url.database).absolute().parent
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"DATABASE_URL: the folder {folder} cannot be made: {error.strerror}") from error
    engine = sa.create_engine(url, connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS}, hide_parameters=True)

    @sa.event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        read_only = connection.get_execution_options().get("storefront_read_only", False)
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine


def reading(engine: Engine) -> Engine:
    """The same engine for transactions that only read: on SQLite they take no write lock."""
    return engine.execution_options(storefront_read_only=True)


def create_tables(engine: Engine, metadata: sa.MetaData) -> None:
    """Create what is missing; safe when several processes of a service start at the same moment."""
    with _one_at_a_time(engine):
        metadata.create_all(engine)


def open_outbox(engine: Engine) -> Outbox:
    """The service's outbox, with its table."""
    outbox = Outbox(engine)
    with _one_at_a_time(engine):
        outbox.create_table()
    return outbox


@contextmanager
def _one_at_a_time(engine: Engine) -> Iterator[None]:
    """Keep other processes from creating tables meanwhile; SQLite's transactions do so by themselves."""
    if engine.dialect.name != "postgresql":
        yield
        return
    with engine.begin() as connection:
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_SCHEMA_LOCK)))
        yield


def insert(connection: Connection, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
    """An INSERT that can carry an ON CONFLICT clause, which is spelled per database."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


def now() -> datetime:
    """The present moment, in UTC."""
    return datetime.now(UTC)
