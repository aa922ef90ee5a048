# SPDX-License-Identifier: GPL-3.0-or-later
"""Where each job is while its handler does not run. No I/O, no clock, no event loop: times are handed in."""

from __future__ import annotations

from bisect import insort
from collections import deque
from collections.abc import Sequence

from sqs_worker.run.job import Job


class Lanes:
    """The jobs that do not run, each of them in one lane:

    - ready: run next, in the order in which they got ready;
    - groups: behind the head of their FIFO group, which is in another lane or runs;
    - kept: tried again here at a time of its own, while SQS does not get it back;
    - parked: failed while the circuit breaker is open, for its single tries.

    Times are seconds, of one clock of the caller's choice.
    """

    def __init__(self, *, fifo: bool) -> None:
        """``fifo``: whether message groups are put in order; those of a standard queue are not."""
        self._fifo = fifo
        self._ready: deque[Job] = deque()
        self._groups: dict[str, deque[Job]] = {}
        self._kept: list[tuple[float, Job]] = []
        self._parked: deque[Job] = deque()
        self._parked_since: dict[Job, float] = {}
        self._fresh_turn = False

    @property
    def ready(self) -> int:
        """Jobs that are ready."""
        return len(self._ready)

    def add(self, job: Job) -> None:
        """Take a job that has just been received: behind the head of its group, or ready."""
        group = job.message.group_id if self._fifo else None
        if group is not None:
            if group in self._groups:
                self._groups[group].append(job)
                return
            self._groups[group] = deque()
        self._ready.append(job)

    def probes(self, *, room: int) -> bool:
        """Whether a parked job is to be started, should the open circuit breaker allow a try.

        ``room``: messages that may still be received; with none, a parked job does not wait for a fresh one's turn.
        """
        return bool(self._parked) and not (self._fresh_turn and room > 0)

    def take(self) -> Job:
        """Take out the next job to be started: ready before parked; after a parked one it is a fresh message's turn."""
        self._fresh_turn = not self._ready
        return self._ready.popleft() if self._ready else self._parked.popleft()

    def wants_fresh(self) -> bool:
        """Whether an open breaker is to be tried with a message not received yet: parked ones may all be poison."""
        return not self._ready and (self._fresh_turn or not self._parked)

    def end_fresh_turn(self) -> None:
        """Nothing fresh is to be had: a parked job may be tried again."""
        self._fresh_turn = False

    def keep(self, job: Job, until: float, *, counts: bool) -> None:
        """Keep a job that ran until a time. ``counts``: its try counts, so it may be parked as long as any other."""
        if counts:
            self._parked_since.pop(job, None)
        insort(self._kept, (until, job), key=lambda entry: entry[0])

    def wake(self, now: float) -> None:
        """Make ready what was kept until ``now`` or before, the earliest first."""
        while self._kept and self._kept[0][0] <= now:
            self._ready.append(self._kept.pop(0)[1])

    def park(self, job: Job, now: float) -> None:
        """Park a job that ran; how long it is parked counts from its first time."""
        self._parked_since.setdefault(job, now)
        self._parked.append(job)

    def parked_for(self, job: Job, now: float) -> float:
        """Seconds since the job was parked for the first time; 0 when it was not."""
        return now - self._parked_since.get(job, now)

    def unpark(self) -> None:
        """The circuit breaker is closed: make everything ready that was parked, as if it had never been."""
        self._ready.extend(self._parked)
        self._parked.clear()
        self._parked_since.clear()

    def done(self, job: Job) -> None:
        """A job that ran is settled: the next of its group gets ready."""
        self._parked_since.pop(job, None)
        group = job.message.group_id
        waiting = self._groups.get(group) if group is not None else None
        if waiting:
            self._ready.append(waiting.popleft())
        elif group is not None:
            self._groups.pop(group, None)

    def leave(self, job: Job) -> Sequence[Job]:
        """A job goes back to its queue: take out what is behind it in its group, since order would be broken otherwise.

        The last of the group first, to be given back in this order and before the job itself: as long as its head is in
        flight, SQS delivers nothing of a group.
        """
        self._parked_since.pop(job, None)
        group = job.message.group_id
        return [*reversed(self._groups.pop(group, ()))] if group is not None else []

    def clear_later(self) -> Sequence[Job]:
        """Take out the jobs that are kept or parked; those behind them stay until their head leaves."""
        jobs = [*(job for _until, job in self._kept), *self._parked]
        self._kept.clear()
        self._parked.clear()
        return jobs

    def clear_ready(self) -> Sequence[Job]:
        """Take out the jobs that are ready; those behind them stay until their head leaves."""
        jobs = [*self._ready]
        self._ready.clear()
        return jobs
