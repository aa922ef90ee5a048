# SPDX-License-Identifier: GPL-3.0-or-later
"""How long to wait before the next try."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

MAX_VISIBILITY = 43_200  # seconds; SQS's visibility timeout and its cap from the receive (SQS developer guide, quotas)


@dataclass(slots=True)
class Backoff:
    """Exponential backoff with equal jitter: half of the step is certain, half is random.

    A certain half keeps a failed message from coming back at once; a random half spreads a failed batch.
    """

    base: float
    maximum: float
    random: random.Random = field(default_factory=random.Random)

    def delay(self, attempt: int) -> float:
        """Seconds to wait after the ``attempt``-th failure, counted from 1."""
        step = min(self.maximum, self.base * 2 ** min(attempt - 1, 32))
        return self.random.uniform(step / 2, step)
