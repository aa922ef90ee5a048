# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done with a message, by what happened to it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sqs_worker import FatalError, RetryableError
from sqs_worker.errors import InProgressError
from sqs_worker.run.outcome import (
    DeadLetter,
    Delete,
    Delivery,
    GiveBack,
    Keep,
    Park,
    Rules,
    Situation,
    of_defect,
    of_delivery,
    of_drain,
    of_error,
    of_success,
)

TWELVE_HOURS = 12 * 3600


def rules(**values: Any) -> Rules:
    """Those of a FIFO queue with three receives; the backoff is 10 s, 20 s, 30 s ..."""
    given = {
        "fifo": True,
        "deadline": None,
        "max_receive_count": 3,
        "can_dead_letter": True,
        "breaker_hold": 3600.0,
        "backoff": lambda attempt: 10.0 * attempt,
    }
    return Rules(**(given | values))


def situation(**values: Any) -> Situation:
    """That after a first try of a message just received."""
    given = {"receive_count": 1, "age": 5.0, "breaker_open": False, "parked_for": 0.0, "draining": False}
    return Situation(**(given | values))


STANDARD = rules(fifo=False)
FIFO = rules()
FAILURE = ValueError("no such customer")


@pytest.mark.parametrize(
    ("is_new", "is_canary", "is_handled", "done"),
    [
        (True, False, False, Delivery.RUN),
        (True, True, False, Delivery.DELETE),
        (False, False, True, Delivery.DELETE),
        (False, True, True, Delivery.DELETE),
        (False, False, False, Delivery.IGNORE),
        (False, True, False, Delivery.IGNORE),
    ],
)
def test_a_delivery_is_run_once_and_deleted_only_when_it_was_handled(
    is_new: bool, is_canary: bool, is_handled: bool, done: Delivery
) -> None:
    assert of_delivery(is_new=is_new, is_canary=is_canary, is_handled=is_handled) is done


def test_a_drain_gives_back_at_once_and_a_defect_after_its_backoff() -> None:
    assert of_drain() == GiveBack(0.0)
    assert of_defect(2, FIFO) == GiveBack(20.0)


def test_success_deletes() -> None:
    assert of_success() == Delete()


@pytest.mark.parametrize("the_rules", [STANDARD, FIFO])
def test_a_fatal_message_is_dead_lettered_at_its_first_try(the_rules: Rules) -> None:
    fate = of_error(FatalError("amount is negative"), situation(breaker_open=True), the_rules)
    assert fate == DeadLetter("FatalError: amount is negative", otherwise=GiveBack(10.0))


def test_a_fatal_message_that_cannot_be_dead_lettered_waits_for_sqs_to_move_it() -> None:
    assert of_error(FatalError("x"), situation(receive_count=2), rules(can_dead_letter=False)) == GiveBack(20.0)


def test_an_error_without_words_is_named_by_its_kind() -> None:
    fate = of_error(FatalError(), situation(), FIFO)
    assert isinstance(fate, DeadLetter)
    assert fate.reason == "FatalError"


@pytest.mark.parametrize("the_rules", [STANDARD, FIFO])
def test_a_handler_that_cancelled_itself_is_tried_again_after_its_backoff(the_rules: Rules) -> None:
    fate = of_error(asyncio.CancelledError(), situation(receive_count=3, breaker_open=True), the_rules)
    assert fate == GiveBack(30.0)


@pytest.mark.parametrize("the_rules", [STANDARD, FIFO])
def test_a_message_busy_elsewhere_is_kept_and_its_try_does_not_count(the_rules: Rules) -> None:
    busy = situation(receive_count=3, breaker_open=True)
    assert of_error(InProgressError("busy", retry_after=15), busy, the_rules) == Keep(15, counts=False)
    assert of_error(InProgressError("busy"), busy, the_rules) == Keep(10.0, counts=False)


def test_a_message_busy_elsewhere_goes_back_when_it_cannot_be_kept() -> None:
    error = InProgressError("busy", retry_after=15)
    assert of_error(error, situation(draining=True), STANDARD) == GiveBack(15)
    assert of_error(error, situation(age=TWELVE_HOURS - 15), STANDARD) == GiveBack(15)
    assert of_error(error, situation(age=TWELVE_HOURS - 15.5), STANDARD) == Keep(15, counts=False)


def test_a_failure_on_a_standard_queue_goes_back_for_its_backoff() -> None:
    assert of_error(FAILURE, situation(), STANDARD) == GiveBack(10.0)
    assert of_error(FAILURE, situation(receive_count=2), STANDARD) == GiveBack(20.0)


@pytest.mark.parametrize("receive_count", [3, 4])
def test_after_the_last_receive_of_a_standard_queue_sqs_moves_it_at_once(receive_count: int) -> None:
    last = situation(receive_count=receive_count)
    assert of_error(FAILURE, last, STANDARD) == GiveBack(0.0)
    assert of_error(RetryableError("x", retry_after=77), last, STANDARD) == GiveBack(0.0)


def test_a_failed_head_of_a_group_is_tried_again_here_and_its_try_counts() -> None:
    assert of_error(FAILURE, situation(receive_count=2), FIFO) == Keep(20.0, counts=True)


@pytest.mark.parametrize("receive_count", [3, 4])
@pytest.mark.parametrize("draining", [False, True])
def test_after_its_last_try_a_head_is_dead_lettered_so_that_its_group_goes_on(
    receive_count: int, draining: bool
) -> None:
    fate = of_error(FAILURE, situation(receive_count=receive_count, draining=draining), FIFO)
    assert fate == DeadLetter("ValueError: no such customer", otherwise=GiveBack(10.0 * receive_count))


def test_without_a_dead_letter_queue_a_last_try_leaves_it_to_sqs() -> None:
    assert of_error(FAILURE, situation(receive_count=3), rules(can_dead_letter=False)) == GiveBack(0.0)


def test_without_a_redrive_policy_no_try_is_the_last() -> None:
    endless = situation(receive_count=1000)
    assert of_error(FAILURE, endless, rules(max_receive_count=None)) == Keep(10_000.0, counts=True)
    assert of_error(FAILURE, endless, rules(fifo=False, max_receive_count=None)) == GiveBack(10_000.0)


@pytest.mark.parametrize("seconds", [0, 77])
def test_the_wish_of_a_handler_goes_before_the_backoff(seconds: float) -> None:
    error = RetryableError("limit reached", retry_after=seconds)
    assert of_error(error, situation(), STANDARD) == GiveBack(seconds)
    assert of_error(error, situation(), FIFO) == Keep(seconds, counts=True)


def test_without_a_wish_the_backoff_decides() -> None:
    assert of_error(RetryableError("later"), situation(), STANDARD) == GiveBack(10.0)


def test_while_draining_nothing_is_kept() -> None:
    assert of_error(FAILURE, situation(draining=True), FIFO) == GiveBack(10.0)


def test_a_head_is_kept_only_while_its_next_try_can_end_within_twelve_hours() -> None:
    assert of_error(FAILURE, situation(age=TWELVE_HOURS - 10.5), FIFO) == Keep(10.0, counts=True)
    assert of_error(FAILURE, situation(age=TWELVE_HOURS - 10), FIFO) == GiveBack(10.0)
    with_deadline = rules(deadline=100.0)
    assert of_error(FAILURE, situation(age=TWELVE_HOURS - 110.5), with_deadline) == Keep(10.0, counts=True)
    assert of_error(FAILURE, situation(age=TWELVE_HOURS - 110), with_deadline) == GiveBack(10.0)


@pytest.mark.parametrize("the_rules", [STANDARD, FIFO])
@pytest.mark.parametrize("receive_count", [1, 3])
def test_while_the_breaker_is_open_a_failure_is_parked_and_uses_up_nothing(
    the_rules: Rules, receive_count: int
) -> None:
    down = situation(breaker_open=True, receive_count=receive_count)
    assert of_error(FAILURE, down, the_rules) == Park()
    assert of_error(RetryableError("x", retry_after=5), down, the_rules) == Park()
    assert of_error(TimeoutError("x"), down._replace(parked_for=3599.9), the_rules) == Park()


def test_a_message_is_parked_no_longer_than_the_breaker_may_hold_it() -> None:
    held = situation(breaker_open=True, parked_for=3600.0)
    assert of_error(FAILURE, held, STANDARD) == GiveBack(10.0)
    assert of_error(FAILURE, held, FIFO) == Keep(10.0, counts=True)
    assert of_error(FAILURE, situation(breaker_open=True), rules(breaker_hold=0.0, fifo=False)) == GiveBack(10.0)


def test_while_draining_nothing_is_parked() -> None:
    assert of_error(FAILURE, situation(breaker_open=True, draining=True), STANDARD) == GiveBack(10.0)
