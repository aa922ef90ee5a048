# SPDX-License-Identifier: GPL-3.0-or-later
"""A rate limit on starting handlers."""

from __future__ import annotations

from collections.abc import Callable


class RateLimit:
    """At most ``rate`` starts a second on average, and at most a second's worth at once; a rate of 0 is no limit."""

    def __init__(self, rate: float, clock: Callable[[], float]) -> None:
        self._rate = rate
        self._clock = clock
        self._burst = max(1.0, rate)
        self._tokens = self._burst
        self._updated_at = clock()

    def wait(self) -> float:
        """Seconds until the next start is allowed."""
        if not self._rate:
            return 0.0
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + (now - self._updated_at) * self._rate)
        self._updated_at = now
        # A hair less than a whole token counts: floating point must not make a timer fire for nothing, again and again.
        return 0.0 if self._tokens >= 1 - 1e-9 else (1 - self._tokens) / self._rate

    def take(self) -> None:
        """Use up one start."""
        self._tokens -= 1
