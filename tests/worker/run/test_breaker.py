# SPDX-License-Identifier: GPL-3.0-or-later
"""The circuit breaker: when it opens, when a single try is let through, when it closes."""

from __future__ import annotations

import math

import pytest

from sqs_worker.run.breaker import Breaker


class Steps:
    """Delays of 10 s, 20 s, 30 s ... in place of a backoff's; they tell which one was asked for."""

    def delay(self, attempt: int) -> float:
        return 10.0 * attempt


class World:
    """A breaker and the clock it goes by."""

    def __init__(self, threshold: int = 3) -> None:
        self.now = 1000.0
        self.breaker = Breaker(threshold, Steps(), lambda: self.now)  # type: ignore[arg-type]

    def fail(self, *message_ids: str) -> None:
        for message_id in message_ids:
            self.breaker.failure(message_id)

    def after(self, seconds: float) -> Breaker:
        self.now += seconds
        return self.breaker


def opened() -> World:
    world = World()
    world.fail("a", "b", "c")
    return world


def test_a_new_breaker_lets_everything_through() -> None:
    breaker = World().breaker
    assert breaker.is_open is False
    assert breaker.wait() == 0
    assert [breaker.admit() for _unused in range(3)] == [True] * 3


def test_it_opens_when_as_many_different_messages_failed_in_a_row_as_its_threshold() -> None:
    world = World(threshold=3)
    world.fail("a", "b")
    assert not world.breaker.is_open
    world.fail("c")
    assert world.breaker.is_open


def test_one_message_that_fails_again_and_again_says_nothing_about_the_rest() -> None:
    world = World(threshold=3)
    world.fail(*["poison"] * 50, "b")
    assert not world.breaker.is_open


def test_a_success_in_between_begins_the_row_anew() -> None:
    world = World(threshold=3)
    world.fail("a", "b")
    world.breaker.success()
    world.fail("c", "d")
    assert not world.breaker.is_open
    world.fail("a")
    assert world.breaker.is_open


def test_a_try_that_says_nothing_leaves_the_row_as_it_is() -> None:
    world = World(threshold=3)
    world.fail("a", "b")
    world.breaker.neutral()
    world.fail("c")
    assert world.breaker.is_open


@pytest.mark.parametrize("failures", [1, 1000])
def test_a_threshold_of_zero_switches_it_off(failures: int) -> None:
    world = World(threshold=0)
    world.fail(*map(str, range(failures)))
    assert not world.breaker.is_open
    assert world.breaker.admit()


def test_a_threshold_of_one_opens_with_the_first_failure() -> None:
    world = World(threshold=1)
    world.fail("a")
    assert world.breaker.is_open


def test_an_open_breaker_lets_nothing_through_until_its_pause_is_over() -> None:
    world = opened()
    assert world.breaker.wait() == 10
    assert not world.breaker.admit()
    assert world.after(9.5).wait() == 0.5
    assert not world.breaker.admit()
    assert world.after(0.5).wait() == 0
    assert world.after(100).wait() == 0
    assert world.breaker.admit()


def test_a_refused_try_is_no_try() -> None:
    world = opened()
    assert not world.breaker.admit()
    assert world.after(10).admit()


def test_one_try_at_a_time_is_let_through() -> None:
    world = opened()
    assert world.after(10).admit()
    assert world.breaker.is_open
    assert world.after(1000).wait() == math.inf
    assert not world.breaker.admit()


def test_each_failed_try_makes_the_pause_longer() -> None:
    world = opened()
    for pause in (20, 30, 40):
        assert world.after(1000).admit()
        world.fail("a")
        assert world.breaker.is_open
        assert world.breaker.wait() == pause


def test_what_fails_beside_the_single_try_makes_the_pause_no_longer() -> None:
    """Handlers that ran when the breaker opened end after it."""
    world = opened()
    world.fail("d", "e", "f")
    assert world.breaker.wait() == 10
    assert world.after(10).admit()


def test_a_try_that_says_nothing_lets_the_next_through_at_once() -> None:
    world = opened()
    assert world.after(10).admit()
    world.breaker.neutral()
    assert world.breaker.is_open
    assert world.breaker.wait() == 0
    assert world.breaker.admit()
    assert not world.breaker.admit()


def test_a_success_closes_it_and_its_pauses_begin_anew() -> None:
    world = opened()
    for _unused in range(3):
        assert world.after(1000).admit()
        world.fail("a")
    assert world.after(1000).admit()
    world.breaker.success()
    assert world.breaker.is_open is False
    assert world.breaker.wait() == 0
    assert [world.breaker.admit() for _unused in range(3)] == [True] * 3
    world.fail("a", "b")
    assert not world.breaker.is_open
    world.fail("c")
    assert world.breaker.wait() == 10


def test_a_success_beside_the_single_try_closes_it_too() -> None:
    world = opened()
    world.breaker.success()
    assert world.breaker.admit()
    world.fail("a")
    assert not world.breaker.is_open
