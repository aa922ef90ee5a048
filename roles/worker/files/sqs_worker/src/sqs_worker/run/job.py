# SPDX-License-Identifier: GPL-3.0-or-later
"""The job that carries a message through the worker."""

from __future__ import annotations

from dataclasses import dataclass

from sqs_worker.message import Message


@dataclass(slots=True, eq=False)
class Job:
    """A message in hand. It has one owner at any time: dispatcher, then acknowledger; the heartbeat only extends it.

    Times are the event loop's, in seconds; SQS counts its 12 hours from ``received_at``.
    ``finished``: its handler has run; ``handled``: with success, or it is dead-lettered, so that it may be deleted.
    """

    message: Message
    received_at: float
    invisible_until: float
    started_at: float | None = None
    timed_out: bool = False
    finished: bool = False
    handled: bool = False
