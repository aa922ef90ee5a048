# SPDX-License-Identifier: GPL-3.0-or-later
"""The shop of the chaos run: orders are paid, payments become events in order and mails. Handlers of its workers.

Effects are rows of one SQLite database, each without a unique constraint: done twice, it would be seen twice.
"""

from __future__ import annotations

import os
import threading
from typing import Any

import sqlalchemy as sa

from sqs_worker import FatalError, Message
from sqs_worker.idempotency.sql import SqlStore
from sqs_worker.outbox import Outbox

GROUPS = 50

metadata = sa.MetaData()
payments = sa.Table("payments", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("order", sa.Integer))
events = sa.Table(
    "events",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("group", sa.Text),
    sa.Column("payment", sa.Integer),
)
mails = sa.Table("mails", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("order", sa.Integer))


def database(path: str) -> sa.Engine:
    """The shop's database, ready for several processes."""
    engine = sa.create_engine(f"sqlite:///{path}", connect_args={"timeout": 60})

    @sa.event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=OFF")  # processes are killed here, the machine is not

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


if "CHAOS_DATABASE" in os.environ:
    engine = database(os.environ["CHAOS_DATABASE"])
    once = SqlStore(engine)
    outbox = Outbox(engine)
    relaying = outbox.relay(interval=0.2)
    if os.environ.get("CHAOS_RELAY"):
        threading.Thread(target=relaying.__enter__, daemon=True).start()


def pay(message: Message) -> None:
    """Record a payment; its event and its mail leave by the outbox, with it or not at all."""
    order = message.json()
    if order["amount"] < 0:
        raise FatalError(f"order {order['id']}: negative amount")
    with engine.begin() as connection:
        if not once.once(connection, f"payment {order['id']}"):
            return
        payment = connection.execute(payments.insert().values(order=order["id"])).inserted_primary_key
        assert payment is not None
        group = f"customer-{order['id'] % GROUPS}"
        event = {"group": group, "payment": payment[0], "order": order["id"]}
        outbox.add(connection, os.environ["CHAOS_EVENTS_URL"], event, group_id=group)
        outbox.add(connection, os.environ["CHAOS_MAILS_URL"], {"order": order["id"]})


def record(message: Message) -> None:
    """Record a payment event."""
    event = message.json()
    with engine.begin() as connection:
        if once.once(connection, f"event {event['payment']}"):
            connection.execute(events.insert().values(group=event["group"], payment=event["payment"]))


def mail(message: Message) -> None:
    """Record a mail."""
    order = message.json()["order"]
    with engine.begin() as connection:
        if once.once(connection, f"mail {order}"):
            connection.execute(mails.insert().values(order=order))
