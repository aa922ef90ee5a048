# SPDX-License-Identifier: GPL-3.0-or-later
"""How many handlers run, and for how long; in virtual time."""

from __future__ import annotations

import asyncio

import pytest
from support.harness import QUEUE, standard, until, working
from support.virtual import run

from sqs_worker import Message
from sqs_worker.handlers.base import Handler


@pytest.mark.parametrize("concurrency", [1, 3, 50])
def test_no_more_handlers_run_than_allowed(concurrency: int) -> None:
    async def main() -> None:
        sqs, running, most = standard(), 0, 0

        async def handle(_message: Message) -> None:
            nonlocal running, most
            running += 1
            most = max(most, running)
            await asyncio.sleep(0.5)
            running -= 1

        for number in range(200):
            sqs.send(QUEUE, str(number))
        async with working(sqs, handle, concurrency=concurrency):
            await until(lambda: not sqs.queues[QUEUE].messages)
        assert most == concurrency

    run(main())


def test_a_handler_beyond_its_deadline_has_failed() -> None:
    async def main() -> None:
        sqs, tries = standard(), list[int]()

        async def handle(message: Message) -> None:
            tries.append(message.receive_count)
            await asyncio.sleep(100 if message.receive_count == 1 else 0)

        sqs.send(QUEUE, "slow at first")
        async with working(sqs, handle, deadline=2, backoff_base=1):
            await until(lambda: not sqs.queues[QUEUE].messages, 30)
        assert tries == [1, 2]

    run(main())


class Uninterruptible(Handler):
    """As a function in a thread: its work goes on when its run is cancelled. Slow at a message's first receive."""

    def __init__(self) -> None:
        super().__init__()
        self.working = self.most = 0

    async def __call__(self, message: Message) -> None:
        """See Handler."""
        work = asyncio.ensure_future(self._work(30 if message.receive_count == 1 else 0))
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            self.stuck += 1
            work.add_done_callback(self._unstuck)
            raise

    async def _work(self, seconds: float) -> None:
        self.working += 1
        self.most = max(self.most, self.working)
        await asyncio.sleep(seconds)
        self.working -= 1

    def _unstuck(self, _work: asyncio.Future[None]) -> None:
        self.stuck -= 1
        self.on_free()


def test_what_goes_on_beyond_its_deadline_still_counts_as_running() -> None:
    async def main() -> None:
        sqs, handler = standard(), Uninterruptible()
        for number in range(5):
            sqs.send(QUEUE, str(number))
        async with working(sqs, handler, concurrency=2, deadline=2, backoff_base=1, breaker_threshold=0):
            await until(lambda: not sqs.queues[QUEUE].messages, 300)
        assert handler.most == 2

    run(main())
