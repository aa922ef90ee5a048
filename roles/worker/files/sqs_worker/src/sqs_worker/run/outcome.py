# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of outcome: what happened to a message, and so what is done with it. No other place decides that.

Pure: the random part of a backoff comes with the rules.
"""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from sqs_worker.backoff import MAX_VISIBILITY
from sqs_worker.errors import FatalError, InProgressError, RetryableError, reason

SAYS_NOTHING = (FatalError, InProgressError, CancelledError)
"""Ends of a try that say nothing about what handlers depend on, so that the circuit breaker learns nothing."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a fate depends on beside what happened: settings and the queue's own limit. Times are in seconds.

    ``max_receive_count`` is the queue's, None when it has no redrive policy; ``can_dead_letter``: a dead-letter queue
    to send to is set; ``backoff`` gives the delay after the n-th failure, counted from 1.
    """

    fifo: bool
    deadline: float | None
    max_receive_count: int | None
    can_dead_letter: bool
    breaker_hold: float
    backoff: Callable[[int], float]


class Situation(NamedTuple):
    """How things stand when a try has ended.

    ``receive_count``: tries so far, this one included; ``age``: seconds since the message's receive; ``parked_for``:
    seconds since it was parked for the first time.
    """

    receive_count: int
    age: float
    breaker_open: bool
    parked_for: float
    draining: bool


@dataclass(frozen=True, slots=True)
class Delete:
    """The message was handled: delete it."""


@dataclass(frozen=True, slots=True)
class GiveBack:
    """Back to the queue, with what waits behind it in its group; visible again after ``seconds``."""

    seconds: float


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """To the dead-letter queue with its reason; ``otherwise`` when that cannot be done."""

    reason: str
    otherwise: GiveBack


@dataclass(frozen=True, slots=True)
class Keep:
    """Invisible here, and tried again after ``seconds``; ``counts``: this try counts as a receive."""

    seconds: float
    counts: bool


@dataclass(frozen=True, slots=True)
class Park:
    """Invisible here, for a single try of the open circuit breaker."""


DELETE = Delete()
Fate = Delete | GiveBack | DeadLetter | Keep | Park


class Delivery(Enum):
    """What is done with a delivery."""

    RUN = "run its handler"
    DELETE = "delete it without a run"
    IGNORE = "go on with the job that is in hand"


def of_delivery(*, is_new: bool, is_canary: bool, is_handled: bool) -> Delivery:
    """What is done with a message that was just received.

    ``is_new``: neither in hand nor handled before; ``is_canary``: only a receive is to be seen, no handler gets it;
    ``is_handled``: handled before, but not deleted yet. Never is a repetition of what failed deleted.
    """
    if is_new:
        return Delivery.DELETE if is_canary else Delivery.RUN
    return Delivery.DELETE if is_handled else Delivery.IGNORE


def of_drain() -> GiveBack:
    """What is done with a message that a drain leaves no time for, whether it was tried or not."""
    return GiveBack(0.0)


def of_defect(receive_count: int, rules: Rules) -> GiveBack:
    """What is done with a message for which none of these could be done, tried ``receive_count`` times."""
    return GiveBack(rules.backoff(receive_count))


def of_success() -> Fate:
    """What is done with a message whose handler has ended with success, whatever else is so."""
    return DELETE


def of_error(error: BaseException, situation: Situation, rules: Rules) -> Fate:
    """What is done with a message whose handler has ended with ``error``; a CancelledError is one of its own."""
    match error:
        case FatalError():
            return _dead_letter(error, situation, rules)
        case CancelledError():
            return GiveBack(rules.backoff(situation.receive_count))
        case InProgressError():
            # Kept until the other worker is done: giving it back would use up its receives.
            seconds = error.retry_after or rules.backoff(1)
            return Keep(seconds, counts=False) if _may_keep(seconds, situation, rules) else GiveBack(seconds)
        case _:
            return _of_failure(error, situation, rules)


def _of_failure(error: BaseException, situation: Situation, rules: Rules) -> Fate:
    if situation.breaker_open and not situation.draining and situation.parked_for < rules.breaker_hold:
        return Park()
    is_last = rules.max_receive_count is not None and situation.receive_count >= rules.max_receive_count
    if is_last:
        # Of a FIFO queue the worker moves it itself: else its group would wait until SQS does.
        return _dead_letter(error, situation, rules) if rules.fifo and rules.can_dead_letter else GiveBack(0.0)
    seconds = rules.backoff(situation.receive_count)
    if isinstance(error, RetryableError) and error.retry_after is not None:
        seconds = error.retry_after
    if rules.fifo and _may_keep(seconds, situation, rules):
        return Keep(seconds, counts=True)
    return GiveBack(seconds)


def _dead_letter(error: BaseException, situation: Situation, rules: Rules) -> Fate:
    back = GiveBack(rules.backoff(situation.receive_count))
    return DeadLetter(reason(error), otherwise=back) if rules.can_dead_letter else back


def _may_keep(seconds: float, situation: Situation, rules: Rules) -> bool:
    """Whether a later try can end within the 12 hours for which SQS leaves a message with its receiver."""
    return not situation.draining and situation.age + seconds + (rules.deadline or 0) < MAX_VISIBILITY
