# SPDX-License-Identifier: GPL-3.0-or-later
"""What was sent to whom: one row for each notification and channel, so that each is sent once.

Handing something to a mail server and noting it cannot be one transaction. A row is therefore claimed before and
completed after; the claim keeps concurrent deliveries of one message apart and expires when its holder dies. A process
that is killed between the two leads to a second mail, with the same Message-ID.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from storefront.database import UtcDateTime, create_tables, insert, now, reading

metadata = sa.MetaData()
sendings = sa.Table(
    "sendings",
    metadata,
    sa.Column("notification_id", sa.String(64), primary_key=True),
    sa.Column("channel", sa.String(16), primary_key=True),
    sa.Column("order_id", sa.String(64), nullable=False, index=True),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("claimed_until", UtcDateTime),
    sa.Column("reference", sa.String(255)),
    sa.Column("error", sa.String(255)),
    sa.Column("sent_at", UtcDateTime),
)


@dataclass(frozen=True, slots=True)
class Sending:
    """One notification over one channel.

    ``status`` is ``sending``, ``sent``, ``retrying`` (after a temporary failure) or ``failed`` (after a permanent one);
    ``reference`` is the Message-ID, or SNS's message ID.
    """

    order_id: str
    channel: str
    status: str
    attempts: int
    reference: str | None
    error: str | None
    sent_at: datetime | None


class ClaimedError(Exception):
    """Another delivery of the same message is sending it at this moment."""


class SendingStore:
    """Keeps sendings. Safe for use by several threads and processes.

    :param lease: how long a claim holds when its holder is not heard of again; longer than any attempt takes.
    """

    def __init__(self, engine: Engine, *, lease: timedelta, clock: Callable[[], datetime] = now) -> None:
        self._engine = engine
        self._lease = lease
        self._clock = clock
        create_tables(engine, metadata)

    def claim(self, notification_id: str, channel: str, order_id: str) -> bool:
        """Take the right to send.

        :returns: False when it was sent already.
        :raises ClaimedError: somebody else is sending it.
        """
        moment = self._clock()
        key = (sendings.c.notification_id == notification_id) & (sendings.c.channel == channel)
        with self._engine.begin() as connection:
            connection.execute(
                insert(connection, sendings)
                .values(
                    notification_id=notification_id, channel=channel, order_id=order_id, status="sending", attempts=0
                )
                .on_conflict_do_nothing()
            )
            row = connection.execute(sa.select(sendings).where(key).with_for_update()).one()
            if row.status == "sent":
                return False
            if row.claimed_until and row.claimed_until > moment:
                raise ClaimedError(f"{channel} is being sent by another delivery")
            connection.execute(
                sa.update(sendings)
                .where(key)
                .values(status="sending", attempts=row.attempts + 1, claimed_until=moment + self._lease)
            )
        return True

    def sent(self, notification_id: str, channel: str, reference: str) -> None:
        """Note that it was sent."""
        self._finish(notification_id, channel, status="sent", reference=reference, error=None, sent_at=self._clock())

    def failed(self, notification_id: str, channel: str, error: str, *, permanent: bool) -> None:
        """Note why it was not sent, and give the claim back."""
        self._finish(notification_id, channel, status="failed" if permanent else "retrying", error=error[:255])

    def _finish(self, notification_id: str, channel: str, **values: object) -> None:
        with self._engine.begin() as connection:
            connection.execute(
                sa.update(sendings)
                .where(sendings.c.notification_id == notification_id, sendings.c.channel == channel)
                .values(claimed_until=None, **values)
            )

    def of_order(self, order_id: str) -> list[Sending]:
        """All sendings about an order."""
        columns = [sendings.c[name] for name in Sending.__dataclass_fields__]
        query = sa.select(*columns).where(sendings.c.order_id == order_id).order_by(*sendings.primary_key)
        with reading(self._engine).begin() as connection:
            return [Sending(**row._mapping) for row in connection.execute(query)]
