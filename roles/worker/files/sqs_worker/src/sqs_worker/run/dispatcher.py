# SPDX-License-Identifier: GPL-3.0-or-later
"""Orders messages (groups, limits), runs the handler, and decides each message's fate: the only place that does."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from dataclasses import dataclass

from sqs_worker.backoff import MAX_VISIBILITY, Backoff
from sqs_worker.errors import FatalError, InProgressError, RetryableError
from sqs_worker.handlers.base import Handler
from sqs_worker.layers.middleware import Next
from sqs_worker.message import Message
from sqs_worker.observe import logs
from sqs_worker.observe.metrics import Metrics
from sqs_worker.observe.note import Note
from sqs_worker.run.acknowledger import Acknowledger
from sqs_worker.run.breaker import Breaker
from sqs_worker.run.hand import Hand
from sqs_worker.run.heartbeat import Heartbeat
from sqs_worker.run.job import Job
from sqs_worker.run.limits import RateLimit

log = logging.getLogger(__name__)

CANCEL_GRACE = 1.0  # seconds a cancelled handler gets to clean up before the exit goes on without it
PUMP_INTERVAL = 0.05  # seconds; while draining with nothing running, rate limit or breaker hold the rest


@dataclass(frozen=True, slots=True)
class Rules:
    """What the dispatcher goes by. ``max_receive_count`` is the queue's, None when it has no redrive policy."""

    fifo: bool
    concurrency: int
    deadline: float | None
    max_receive_count: int | None
    breaker_hold: float


class Dispatcher:
    """Owns every job from its receive until it is handed to the acknowledger.

    A job is ready, running, waiting behind the head of its FIFO group, kept for a local retry (the failed head of a
    group), or parked (failed while the circuit breaker is open).
    """

    def __init__(
        self,
        *,
        handler: Handler,
        handle: Next,
        hand: Hand,
        acknowledger: Acknowledger,
        heartbeat: Heartbeat,
        breaker: Breaker,
        rate: RateLimit,
        backoff: Backoff,
        metrics: Metrics,
        note: Note,
        rules: Rules,
    ) -> None:
        self._handler = handler
        self._handle = handle
        self._hand = hand
        self._acknowledger = acknowledger
        self._heartbeat = heartbeat
        self._breaker = breaker
        self._rate = rate
        self._backoff = backoff
        self._metrics = metrics
        self._note = note
        self._rules = rules
        self._loop = asyncio.get_running_loop()
        self._ready: deque[Job] = deque()
        self._parked: deque[Job] = deque()
        self._parked_at: dict[Job, float] = {}
        self._groups: dict[str, deque[Job]] = {}
        self._kept: dict[Job, asyncio.TimerHandle] = {}
        self._running: dict[asyncio.Task[None], Job] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._fresh_turn = False
        self._draining = False
        handler.on_free = self._pump

    def submit(self, messages: list[Message]) -> None:
        """Take received messages over, in the order they were received."""
        now = self._loop.time()
        self._fresh_turn &= bool(messages)
        for message in messages:
            job, is_new = self._hand.take(message, now)
            if is_new and message.canary is None:
                self._heartbeat.watch(job)
                if self._rules.fifo and message.group_id in self._groups:
                    self._groups[message.group_id].append(job)
                    continue
                if self._rules.fifo and message.group_id is not None:
                    self._groups[message.group_id] = deque()
                self._ready.append(job)
            elif is_new or job.handled:
                self._acknowledger.delete(job)
        self._pump()

    @property
    def running(self) -> int:
        """Handlers running."""
        return len(self._running)

    async def enforce_deadline(self) -> None:
        """Cancel what runs beyond the deadline, until cancelled. A look at all costs less than a timer each."""
        deadline = self._rules.deadline
        while deadline is not None:
            await asyncio.sleep(min(1.0, deadline / 20))
            limit = self._loop.time() - deadline
            for task, job in self._running.items():
                if job.started_at is None or job.started_at > limit:
                    break  # they are in the order of their start
                if not job.timed_out:
                    job.timed_out = True
                    task.cancel()

    def overdue(self) -> bool:
        """Whether every handler slot is taken by a run that should have ended: nothing will move by itself."""
        if self._rules.deadline is None or len(self._running) + self._handler.stuck < self._rules.concurrency:
            return False
        limit = self._loop.time() - self._rules.deadline - CANCEL_GRACE
        return all(job.started_at is not None and job.started_at < limit for job in self._running.values())

    def wants_fresh_probe(self) -> bool:
        """Whether the open breaker is to be tried with a message not seen yet: parked ones could all be poison."""
        return self._breaker.wait() == 0 and not self._ready and (self._fresh_turn or not self._parked)

    async def drain(self, timeout: float, hurry: asyncio.Event) -> None:
        """Finish what can be finished within ``timeout`` seconds, or until ``hurry``; give the rest back at once."""
        self._draining = True
        for job in (*self._kept, *self._parked):
            self._release_group(job)
        self._parked.clear()
        give_up_at = self._loop.time() + timeout
        hurried = self._loop.create_task(hurry.wait())
        while (self._running or self._ready) and self._loop.time() < give_up_at and not hurry.is_set():
            self._pump()
            left = give_up_at - self._loop.time()
            await asyncio.wait(
                {hurried, *self._running},
                timeout=left if self._running else min(left, PUMP_INTERVAL),
                return_when=asyncio.FIRST_COMPLETED,
            )
        hurried.cancel()
        running = dict(self._running)
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running, timeout=CANCEL_GRACE)
        for job in (*running.values(), *self._ready):
            if not job.finished:
                self._release_group(job)
        self._ready.clear()

    def _pump(self) -> None:
        """Start as many handlers as the limits allow."""
        while self._ready or (self._parked and self._breaker.is_open and not (self._fresh_turn and self._hand.room())):
            if len(self._running) + self._handler.stuck >= self._rules.concurrency:
                return
            wait = max(self._rate.wait(), self._breaker.wait())
            if wait > 0:
                self._pump_later(wait)
                return
            self._breaker.admit()
            self._rate.take()
            self._fresh_turn = not self._ready
            self._start(self._ready.popleft() if self._ready else self._parked.popleft())

    def _pump_later(self, wait: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if wait != float("inf"):
            self._timer = self._loop.call_later(wait, self._pump)

    def _start(self, job: Job) -> None:
        job.started_at, job.timed_out = self._loop.time(), False
        task = self._loop.create_task(self._run(job))
        self._running[task] = job
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        job = self._running.pop(task)
        if job.started_at is not None:
            self._metrics.duration.observe(self._loop.time() - job.started_at)
        if task.cancelled() and not self._draining:
            log.warning("message %s: its handler cancelled itself", job.message.message_id)
            self._breaker.neutral()
            self._release_group(job, self._backoff.delay(job.message.receive_count))
        elif not task.cancelled() and task.exception() is not None:
            log.critical("defect: message %s goes back", job.message.message_id, exc_info=task.exception())
            self._release_group(job, self._backoff.delay(job.message.receive_count))
        self._pump()

    async def _run(self, job: Job) -> None:
        message = job.message
        logs.context.set({"message_id": message.message_id})
        try:
            await self._handle(message)
        except asyncio.CancelledError:
            if not job.timed_out:
                raise
            await self._failed(job, TimeoutError(f"beyond its deadline of {self._rules.deadline:g} s"))
        except FatalError as error:
            self._breaker.neutral()
            await self._dead_letter(job, _reason(error))
        except InProgressError as error:
            self._breaker.neutral()
            self._busy(job, error)
        except (Exception, SystemExit) as error:
            await self._failed(job, error)
        else:
            self._succeeded(job)

    def _succeeded(self, job: Job) -> None:
        was_open = self._breaker.is_open
        self._breaker.success()
        if was_open:
            log.info("circuit breaker closed: handlers succeed again")
            self._metrics.breaker_open.set(0)
            self._ready.extend(self._parked)
            self._parked.clear()
            self._parked_at.clear()
        self._metrics.handled.inc()
        self._note.handled()
        log.debug("message %s done at receive %d", job.message.message_id, job.message.receive_count)
        self._acknowledger.delete(job)
        self._next_in_group(job)

    async def _failed(self, job: Job, error: BaseException) -> None:
        message = job.message
        self._metrics.failed.inc()
        was_open = self._breaker.is_open
        self._breaker.failure(message.message_id)
        reason = _reason(error)
        log.warning(
            "message %s failed at try %d: %s",
            message.message_id,
            message.receive_count,
            reason,
            exc_info=None if isinstance(error, RetryableError | TimeoutError) else error,
        )
        if self._breaker.is_open:
            if not was_open:
                log.error("circuit breaker open: no message is received until a handler succeeds again")
                self._metrics.breaker_open.set(1)
            parked_at = self._parked_at.setdefault(job, self._loop.time())
            if not self._draining and self._loop.time() - parked_at < self._rules.breaker_hold:
                self._parked.append(job)
                return
            self._parked_at.pop(job)
        delay = self._backoff.delay(message.receive_count)
        if isinstance(error, RetryableError) and error.retry_after is not None:
            delay = error.retry_after
        is_last = self._rules.max_receive_count is not None and message.receive_count >= self._rules.max_receive_count
        if self._rules.fifo and is_last and self._acknowledger.can_dead_letter:
            await self._dead_letter(job, reason)
        elif self._rules.fifo and not is_last and not self._draining and self._keepable(job, delay):
            message.retries += 1
            self._kept[job] = self._loop.call_later(delay, self._retry, job)
        else:
            self._release_group(job, 0.0 if is_last else delay)

    def _busy(self, job: Job, error: InProgressError) -> None:
        """Keep the message until the other worker is done: giving it back would use up its receives."""
        log.info("message %s waits: %s", job.message.message_id, error)
        delay = error.retry_after or self._backoff.delay(1)
        if self._draining or not self._keepable(job, delay):
            self._release_group(job, delay)
        else:
            self._kept[job] = self._loop.call_later(delay, self._retry, job)

    def _keepable(self, job: Job, delay: float) -> bool:
        return self._loop.time() + delay + (self._rules.deadline or 0) < job.received_at + MAX_VISIBILITY

    def _retry(self, job: Job) -> None:
        del self._kept[job]
        self._ready.append(job)
        self._pump()

    async def _dead_letter(self, job: Job, reason: str) -> None:
        if self._acknowledger.can_dead_letter and await self._acknowledger.dead_letter(job, reason):
            log.error("message %s sent to the dead-letter queue: %s", job.message.message_id, reason)
            self._next_in_group(job)
        else:
            self._release_group(job, self._backoff.delay(job.message.receive_count))

    def _next_in_group(self, job: Job) -> None:
        if not self._rules.fifo or job.message.group_id is None:
            return
        waiting = self._groups[job.message.group_id]
        if waiting:
            self._ready.append(waiting.popleft())
        else:
            del self._groups[job.message.group_id]

    def _release_group(self, job: Job, delay: float = 0.0) -> None:
        """Give a job back, and what waits behind it in its group: order would be broken otherwise."""
        kept = self._kept.pop(job, None)
        if kept is not None:
            kept.cancel()
        self._parked_at.pop(job, None)
        behind = self._groups.pop(job.message.group_id, deque()) if job.message.group_id is not None else deque()
        if job.started_at is None:
            self._metrics.released.inc(1 + len(behind))
        # The rest first: as long as the head is in flight, SQS delivers nothing of the group.
        for waiting in reversed(behind):
            self._acknowledger.delay(waiting, 0.0)
        self._acknowledger.delay(job, delay)


def _reason(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
