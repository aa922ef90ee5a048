# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the handler: how many times at once, for how long, and how each run ended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection

from sqs_worker.handlers.base import Handler
from sqs_worker.layers.middleware import Next
from sqs_worker.observe import logs
from sqs_worker.run.job import Job

CANCEL_GRACE = 1.0  # seconds a cancelled handler gets to clean up before the exit goes on without it


class Runs:
    """The runs of a handler; each lasts until its job is settled."""

    def __init__(self, handler: Handler, handle: Next, *, concurrency: int, deadline: float | None) -> None:
        """``handle`` is ``handler`` with its layers; ``deadline`` in seconds. Nothing runs before ``connect``."""
        self._handler = handler
        self._handle = handle
        self._concurrency = concurrency
        self._deadline = deadline
        self._loop = asyncio.get_running_loop()
        self._running: dict[asyncio.Task[None], Job] = {}
        self._cancelled = False

    def connect(
        self,
        *,
        settle: Callable[[Job, BaseException | None], Awaitable[None]],
        on_end: Callable[[Job, BaseException | None], None],
        on_free: Callable[[], None],
    ) -> None:
        """Say who is concerned by the runs.

        ``settle`` is awaited with a job and the error its handler ended with, None for success; ``on_end`` is called at
        the end of a run, with the error of one that could not be settled; ``on_free`` when another may be started.
        """
        self._settle, self._on_end, self._on_free = settle, on_end, on_free
        self._handler.on_free = on_free

    @property
    def tasks(self) -> Collection[asyncio.Task[None]]:
        """The runs going on."""
        return self._running.keys()

    @property
    def free(self) -> bool:
        """Whether another run may be started; one that was given up but cannot be interrupted still counts."""
        return len(self._running) + self._handler.stuck < self._concurrency

    def start(self, job: Job) -> None:
        """Run the handler for a job."""
        job.started_at, job.timed_out = self._loop.time(), False
        task = self._loop.create_task(self._run(job))
        self._running[task] = job
        task.add_done_callback(self._ended)

    async def enforce_deadline(self) -> None:
        """Cancel what runs beyond the deadline, until cancelled. A look at all costs less than a timer each."""
        deadline = self._deadline
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
        if self._deadline is None or self.free:
            return False
        limit = self._loop.time() - self._deadline - CANCEL_GRACE
        return all(job.started_at is not None and job.started_at < limit for job in self._running.values())

    async def cancel(self) -> Collection[Job]:
        """Cancel all runs, for good, and return their jobs when they have ended or their grace is over."""
        self._cancelled = True
        running = dict(self._running)
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running, timeout=CANCEL_GRACE)
        return running.values()

    async def _run(self, job: Job) -> None:
        logs.context.set({"message_id": job.message.message_id})
        try:
            await self._handle(job.message)
        except asyncio.CancelledError as error:
            if job.timed_out:
                await self._settle(job, TimeoutError(f"beyond its deadline of {self._deadline:g} s"))
            elif self._cancelled:
                raise
            else:
                await self._settle(job, error)
        except (Exception, SystemExit) as error:
            await self._settle(job, error)
        else:
            await self._settle(job, None)

    def _ended(self, task: asyncio.Task[None]) -> None:
        job = self._running.pop(task)
        self._on_end(job, asyncio.CancelledError() if task.cancelled() else task.exception())
        self._on_free()
