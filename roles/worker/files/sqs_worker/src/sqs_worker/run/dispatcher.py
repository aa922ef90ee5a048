# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes messages over from the pollers, has them run in order and within the limits, and does what the rules say."""

from __future__ import annotations

import asyncio
import math

from sqs_worker.message import Message
from sqs_worker.observe.journal import Journal
from sqs_worker.run.acknowledger import Acknowledger
from sqs_worker.run.breaker import Breaker
from sqs_worker.run.hand import Hand
from sqs_worker.run.heartbeat import Heartbeat
from sqs_worker.run.job import Job
from sqs_worker.run.lanes import Lanes
from sqs_worker.run.limits import RateLimit
from sqs_worker.run.outcome import (
    SAYS_NOTHING,
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
from sqs_worker.run.runs import Runs

PUMP_INTERVAL = 0.05  # seconds; while draining with nothing running, rate limit or breaker hold the rest


class Dispatcher:
    """Owns every job, in a lane or in a run, from its receive until it is handed to the acknowledger."""

    def __init__(
        self,
        *,
        runs: Runs,
        hand: Hand,
        heartbeat: Heartbeat,
        acknowledger: Acknowledger,
        breaker: Breaker,
        rate: RateLimit,
        rules: Rules,
        journal: Journal,
    ) -> None:
        self._runs = runs
        self._hand = hand
        self._heartbeat = heartbeat
        self._acknowledger = acknowledger
        self._breaker = breaker
        self._rate = rate
        self._rules = rules
        self._journal = journal
        self._lanes = Lanes(fifo=rules.fifo)
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._draining = False
        self._closed = False
        runs.connect(settle=self._settle, on_end=self._ended, on_free=self._pump)

    def submit(self, messages: list[Message]) -> None:
        """Take received messages over, in the order they were received."""
        now = self._loop.time()
        if not messages:
            self._lanes.end_fresh_turn()
        for message in messages:
            job, is_new = self._hand.take(message, now)
            done = of_delivery(is_new=is_new, is_canary=message.canary is not None, is_handled=job.handled)
            if done is Delivery.RUN:
                self._heartbeat.watch(job)
                self._lanes.add(job)
            elif done is Delivery.DELETE:
                self._acknowledger.delete(job)
        self._pump()

    def wants_fresh_probe(self) -> bool:
        """Whether the open breaker is to be tried with a message not seen yet."""
        return self._breaker.wait() == 0 and self._lanes.wants_fresh()

    async def drain(self, timeout: float, hurry: asyncio.Event) -> None:
        """Finish what can be finished within ``timeout`` seconds, or until ``hurry``; give the rest back at once."""
        self._draining = True
        for job in self._lanes.clear_later():
            self._give_back(job, of_drain())
        give_up_at = self._loop.time() + timeout
        hurried = self._loop.create_task(hurry.wait())
        while (self._runs.tasks or self._lanes.ready) and self._loop.time() < give_up_at and not hurry.is_set():
            self._pump()
            left = give_up_at - self._loop.time()
            await asyncio.wait(
                {hurried, *self._runs.tasks},
                timeout=left if self._runs.tasks else min(left, PUMP_INTERVAL),
                return_when=asyncio.FIRST_COMPLETED,
            )
        hurried.cancel()
        self._closed = True
        for job in (*await self._runs.cancel(), *self._lanes.clear_ready()):
            if not job.finished:
                self._give_back(job, of_drain())

    def _pump(self) -> None:
        """Start as many handlers as the limits allow."""
        while not self._closed and self._runs.free and (self._lanes.ready or self._may_probe()):
            wait = max(self._rate.wait(), self._breaker.wait())
            if wait > 0:
                self._pump_later(wait)
                return
            self._breaker.admit()
            self._rate.take()
            self._runs.start(self._lanes.take())

    def _may_probe(self) -> bool:
        return self._breaker.is_open and self._lanes.probes(room=self._hand.room())

    def _pump_later(self, wait: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if wait != math.inf:
            self._timer = self._loop.call_later(wait, self._pump)

    async def _settle(self, job: Job, error: BaseException | None) -> None:
        """Do with a job what the rules of outcome say."""
        self._journal.tried(job.message, error)
        self._teach_breaker(job, error)
        match of_success() if error is None else of_error(error, self._situation(job), self._rules):
            case Delete():
                self._acknowledger.delete(job)
                self._lanes.done(job)
            case GiveBack() as back:
                self._give_back(job, back)
            case DeadLetter(reason, otherwise):
                if await self._acknowledger.dead_letter(job, reason):
                    self._journal.dead_lettered(job.message, reason)
                    self._lanes.done(job)
                else:
                    self._give_back(job, otherwise)
            case Keep(seconds, counts):
                job.message.retries += int(counts)
                until = self._loop.time() + seconds
                self._lanes.keep(job, until, counts=counts)
                self._loop.call_at(until, self._wake, until)
            case Park():
                self._lanes.park(job, self._loop.time())

    def _situation(self, job: Job) -> Situation:
        now = self._loop.time()
        return Situation(
            receive_count=job.message.receive_count,
            age=now - job.received_at,
            breaker_open=self._breaker.is_open,
            parked_for=self._lanes.parked_for(job, now),
            draining=self._draining,
        )

    def _teach_breaker(self, job: Job, error: BaseException | None) -> None:
        was_open = self._breaker.is_open
        if error is None:
            self._breaker.success()
        elif isinstance(error, SAYS_NOTHING):
            self._breaker.neutral()
        else:
            self._breaker.failure(job.message.message_id)
        if self._breaker.is_open != was_open:
            self._journal.breaker(is_open=self._breaker.is_open)
            if was_open:
                self._lanes.unpark()

    def _wake(self, until: float) -> None:
        self._lanes.wake(until)
        self._pump()

    def _ended(self, job: Job, error: BaseException | None) -> None:
        if job.started_at is not None:
            self._journal.lasted(self._loop.time() - job.started_at)
        if error is None or (self._closed and isinstance(error, asyncio.CancelledError)):
            return
        self._journal.unsettled(job.message, error)
        self._breaker.neutral()
        if not job.finished:
            self._give_back(job, of_defect(job.message.receive_count, self._rules))

    def _give_back(self, job: Job, back: GiveBack) -> None:
        """Give a job back, and before it what waits behind it in its group."""
        behind = self._lanes.leave(job)
        if job.started_at is None:
            self._journal.released(1 + len(behind))
        for waiting in behind:
            self._acknowledger.delay(waiting, 0.0)
        self._acknowledger.delay(job, back.seconds)
