# SPDX-License-Identifier: GPL-3.0-or-later
"""A circuit breaker: while what the handler depends on is down, nothing is received and nothing is used up."""

from __future__ import annotations

import math
from collections.abc import Callable

from sqs_worker.backoff import Backoff


class Breaker:
    """Opens after ``threshold`` different messages failed in a row; then lets single tries through, ever more rarely.

    Different messages, because one poison message failing again and again says nothing about the rest.
    A threshold of 0 switches it off.
    """

    def __init__(self, threshold: int, pause: Backoff, clock: Callable[[], float]) -> None:
        self._threshold = threshold
        self._pause = pause
        self._clock = clock
        self._failing: set[str] = set()
        self._failed_probes = 0
        self._probe_at = 0.0
        self._probing = False
        self.is_open = False

    def success(self) -> None:
        """A handler succeeded: whatever it depends on is there."""
        self._failing.clear()
        self._failed_probes = 0
        self.is_open = self._probing = False

    def failure(self, message_id: str) -> None:
        """A handler failed in a way that another try may mend."""
        if not self._threshold:
            return
        self._failing.add(message_id)
        if self._probing or (not self.is_open and len(self._failing) >= self._threshold):
            self.is_open, self._probing = True, False
            self._failed_probes += 1
            self._probe_at = self._clock() + self._pause.delay(self._failed_probes)

    def neutral(self) -> None:
        """A try ended without telling anything about the dependency, so the next may be made at once."""
        self._probing = False

    def wait(self) -> float:
        """Seconds until a message may be tried: 0 when closed, infinite while a single try is running."""
        if not self.is_open:
            return 0.0
        return math.inf if self._probing else max(0.0, self._probe_at - self._clock())

    def admit(self) -> bool:
        """Whether a message may be tried now; when open, a yes is for this one try."""
        if self.wait() > 0:
            return False
        self._probing = self.is_open
        return True
