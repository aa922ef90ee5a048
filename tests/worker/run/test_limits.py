# SPDX-License-Identifier: GPL-3.0-or-later
"""The rate limit; in virtual time."""

from __future__ import annotations

import pytest
from support.harness import QUEUE, standard, until, working
from support.virtual import now, run

from sqs_worker import Message
from sqs_worker.run.limits import RateLimit


def test_the_rate_limit_holds_over_time() -> None:
    async def main() -> None:
        sqs, starts = standard(), list[float]()

        async def handle(_message: Message) -> None:
            starts.append(now())

        for number in range(100):
            sqs.send(QUEUE, str(number))
        async with working(sqs, handle, rate=2):
            await until(lambda: len(starts) == 100)
        assert 48 <= starts[-1] - starts[0] <= 52

    run(main())


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def starts(limit: RateLimit) -> int:
    """Start all that may be started now."""
    count = 0
    while limit.wait() == 0:
        limit.take()
        count += 1
    return count


def test_a_seconds_worth_may_start_at_once_and_no_more_however_long_nothing_did() -> None:
    clock = Clock()
    limit = RateLimit(4, clock)
    clock.now += 1000
    assert starts(limit) == 4
    assert limit.wait() == pytest.approx(0.25)
    clock.now += 0.5
    assert starts(limit) == 2


def test_a_rate_below_one_a_second_starts_one_at_a_time() -> None:
    clock = Clock()
    limit = RateLimit(0.1, clock)
    assert starts(limit) == 1
    assert limit.wait() == pytest.approx(10)
    clock.now += limit.wait()
    assert starts(limit) == 1


def test_a_rate_of_zero_is_no_limit() -> None:
    limit = RateLimit(0, Clock())
    for _unused in range(1000):
        assert limit.wait() == 0
        limit.take()
