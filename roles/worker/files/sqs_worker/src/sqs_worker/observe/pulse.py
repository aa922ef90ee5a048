# SPDX-License-Identifier: GPL-3.0-or-later
"""The poll loop's pulse: what readiness, liveness and the systemd watchdog go by."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Callable

from sqs_worker.observe.metrics import Metrics
from sqs_worker.observe.note import Note


class Pulse:
    """Knows when the poll loop last moved and when a receive last succeeded.

    ``hung`` tells whether every handler slot is taken by a run beyond its deadline: polling on would help nobody.
    ``limit`` is two long polls, in seconds: a silent stop of polling is seen within it (sqs-consumer#130, #241).
    """

    def __init__(self, wait_time: float, metrics: Metrics, note: Note) -> None:
        self.limit = 2 * max(wait_time, 5.0)
        self._metrics = metrics
        self._note = note
        self._loop = asyncio.get_running_loop()
        self._alive_at = self._loop.time()
        self._polled_at: float | None = None
        self._error = "no receive has succeeded yet"
        self.draining = False
        self.hung: Callable[[], bool] = lambda: False

    def alive(self) -> None:
        """The loop moves, whether or not a receive was in order; no life sign when every handler hangs."""
        if self.hung():
            return
        self._alive_at = self._loop.time()
        notify_systemd("WATCHDOG=1")

    @property
    def has_polled(self) -> bool:
        """Whether a receive has succeeded since the start."""
        return self._polled_at is not None

    def polled(self) -> None:
        """A receive succeeded."""
        if not self.has_polled:
            notify_systemd("READY=1\nSTATUS=polling")
            self._note.polled()
        self._polled_at = self._loop.time()
        self._metrics.last_poll.set(time.time())
        self.alive()

    def failed_poll(self, error: str) -> None:
        """A receive was refused or not answered; the loop is alive, but the worker is not ready."""
        self._error = error
        self.alive()

    def stalled(self) -> str | None:
        """Why the worker should be restarted, or None."""
        silence = self._loop.time() - self._alive_at
        if silence <= self.limit:
            return None
        return f"every handler hangs, for {silence:.0f} s" if self.hung() else f"no poll loop moved for {silence:.0f} s"

    def unready(self, busy: bool) -> str | None:
        """Why the worker is not ready, or None. ``busy``: handlers leave no room, so not receiving is in order."""
        if self.draining:
            return "draining"
        if self.stalled():
            return self.stalled()
        if self._polled_at is None or (not busy and self._loop.time() - self._polled_at > self.limit):
            return f"no receive succeeded within two long polls: {self._error}"
        return None


def notify_systemd(state: str) -> None:
    """Tell systemd, when it listens (sd_notify(3)); a state is `READY=1`, `STOPPING=1`, `WATCHDOG=1`, `STATUS=...`."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        channel.setblocking(False)
        try:
            channel.sendto(state.encode(), "\0" + address[1:] if address[0] == "@" else address)
        except OSError:
            return  # systemd decides by what it received; a full or vanished socket must not stop the work
