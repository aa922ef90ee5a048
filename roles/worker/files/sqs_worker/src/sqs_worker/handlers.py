# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs for a message: a Python function."""

from __future__ import annotations

import asyncio
import contextvars
import importlib
import inspect
import sys
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from sqs_worker.errors import ConfigurationError
from sqs_worker.message import Message


class Handler:
    """An awaitable call for one message. Subclasses say how.

    ``stuck`` counts runs that were given up but cannot be interrupted and so still hold a slot; ``on_free`` is called
    when one of them ends after all.
    """

    def __init__(self) -> None:
        self.stuck = 0
        self.on_free: Callable[[], None] = lambda: None

    async def __call__(self, message: Message) -> None:
        """Handle the message; what it raises decides the message's fate (see ``sqs_worker.errors``)."""
        raise NotImplementedError

    async def close(self) -> None:
        """Let go of connections and the like."""


class AsyncFunction(Handler):
    """A coroutine function of the application."""

    def __init__(self, function: Callable[[Message], Awaitable[Any]]) -> None:
        super().__init__()
        self._function = function

    async def __call__(self, message: Message) -> None:
        """See Handler."""
        await self._function(message)


class SyncFunction(Handler):
    """An ordinary function of the application, run in a thread."""

    def __init__(self, function: Callable[[Message], Any], threads: int) -> None:
        super().__init__()
        self._function = function
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="handler")

    async def __call__(self, message: Message) -> None:
        """See Handler."""
        loop = asyncio.get_running_loop()
        context = contextvars.copy_context()
        run = loop.run_in_executor(self._executor, context.run, self._function, message)
        try:
            result = await asyncio.shield(run)
        except asyncio.CancelledError:
            if not run.done():
                self.stuck += 1
                run.add_done_callback(self._unstuck)
            raise
        if inspect.isawaitable(result):
            await result

    def _unstuck(self, run: asyncio.Future[Any]) -> None:
        self.stuck -= 1
        if not run.cancelled():
            run.exception()
        self.on_free()

    async def close(self) -> None:
        """See Handler."""
        self._executor.shutdown(wait=False, cancel_futures=True)


def load(specification: str, concurrency: int) -> Handler:
    """The handler a SQS_WORKER_HANDLER names; raises ConfigurationError when there is no such thing."""
    _, _, target = specification.partition(":")
    function = import_function(target)
    if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None)):  # noqa: B004
        return AsyncFunction(function)
    return SyncFunction(function, concurrency)


def import_function(target: str) -> Callable[..., Any]:
    """The function `MODULE:FUNCTION` names, with the working directory importable as under ``python -m``."""
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    module_name, _, path = target.partition(":")
    try:
        function: Any = importlib.import_module(module_name)
        for name in path.split("."):
            function = getattr(function, name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigurationError(
            [f"SQS_WORKER_HANDLER: {target!r} cannot be imported: {error}; modules are looked up in the working"
             f" directory {Path.cwd()} and in {sys.prefix}"]
        ) from error  # fmt: skip
    if not callable(function):
        raise ConfigurationError([f"SQS_WORKER_HANDLER: {target!r} is not a function"])
    return function  # type: ignore[no-any-return]
