# SPDX-License-Identifier: GPL-3.0-or-later
"""An event loop with a virtual clock: waiting takes no time, twelve hours pass at once."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


class _Selector(selectors.DefaultSelector):
    """Instead of waiting for input or a timer, moves the clock on to the timer."""

    loop: VirtualLoop

    def select(self, timeout: float | None = None) -> list[Any]:
        """See selectors.BaseSelector."""
        # A thread's work takes no virtual time: the clock stands until it is done.
        events = super().select(1.0 if self.loop.threads and timeout != 0 else 0)
        if self.loop.threads:
            return list(events)
        if not events and timeout is None:
            raise RuntimeError("the loop would wait forever: nothing is left that could happen")
        if not events and timeout is not None and timeout > 0:
            self.loop.now += timeout
        return list(events)


class VirtualLoop(asyncio.SelectorEventLoop):
    """``now`` is the time in seconds; it moves only when everything waits."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.threads = 0
        selector = _Selector()
        selector.loop = self
        super().__init__(selector)

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Any, *args: Any
    ) -> asyncio.Future[Any]:
        """See asyncio.AbstractEventLoop."""
        self.threads += 1
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(self._thread_done)
        return future

    def _thread_done(self, _future: asyncio.Future[Any]) -> None:
        self.threads -= 1

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """See asyncio.AbstractEventLoop."""
        self.threads += 1  # it waits for a thread, too
        await super().shutdown_default_executor()
        self.threads -= 1

    def time(self) -> float:
        """See asyncio.AbstractEventLoop."""
        return self.now


def now() -> float:
    """The running loop's time, in seconds."""
    return asyncio.get_running_loop().time()


def run(main: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
