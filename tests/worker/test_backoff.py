# SPDX-License-Identifier: GPL-3.0-or-later
"""How long to wait before the next try."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqs_worker.backoff import Backoff


class Least(random.Random):
    """The smallest number that may come."""

    def uniform(self, a: float, b: float) -> float:
        return min(a, b)


class Most(random.Random):
    """The largest number that may come."""

    def uniform(self, a: float, b: float) -> float:
        return max(a, b)


@pytest.mark.parametrize(
    ("attempt", "least", "most"), [(1, 2.5, 5), (2, 5, 10), (3, 10, 20), (4, 20, 40), (5, 30, 60), (6, 30, 60)]
)
def test_a_delay_doubles_up_to_its_maximum_and_half_of_it_is_certain(attempt: int, least: float, most: float) -> None:
    assert Backoff(5.0, 60.0, Least()).delay(attempt) == least
    assert Backoff(5.0, 60.0, Most()).delay(attempt) == most


def test_a_failed_batch_is_spread() -> None:
    backoff = Backoff(base=10.0, maximum=10.0)
    delays = [backoff.delay(1) for _unused in range(1000)]
    assert len(set(delays)) > 900
    assert min(delays) < 5.5
    assert max(delays) > 9.5


def test_two_backoffs_do_not_go_in_step() -> None:
    assert Backoff(10.0, 10.0).delay(1) != Backoff(10.0, 10.0).delay(1)


@given(st.integers(1, 10**6), st.floats(0, 43_200), st.floats(0, 43_200))
def test_no_number_of_failures_is_too_large(attempt: int, base: float, maximum: float) -> None:
    assert 0 <= Backoff(base, maximum).delay(attempt) <= maximum


def test_the_largest_maximum_is_reached_from_the_smallest_base() -> None:
    assert Backoff(0.0001, 43_200.0, Most()).delay(33) == 43_200
