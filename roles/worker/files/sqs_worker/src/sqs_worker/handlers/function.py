# SPDX-License-Identifier: GPL-3.0-or-later
"""A Python function as handler."""

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
from sqs_worker.handlers.base import Handler
from sqs_worker.message import Message


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


def function_handler(target: str, concurrency: int) -> Handler:
    """The handler for ``MODULE:FUNCTION``; raises ConfigurationError when there is no such function."""
    function = import_function(target, "SQS_WORKER_HANDLER")
    called = getattr(function, "__call__", None)  # noqa: B004
    if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(called):
        return AsyncFunction(function)
    return SyncFunction(function, concurrency)


def import_function(target: str, setting: str) -> Callable[..., Any]:
    """The function `MODULE:FUNCTION` in a setting, with the working directory importable as under ``python -m``."""
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    module_name, _unused, path = target.partition(":")
    try:
        function: Any = importlib.import_module(module_name)
        for name in path.split("."):
            function = getattr(function, name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigurationError(
            [
                f"{setting}: {target!r} cannot be imported: {error}; modules are looked up in the working"
                f" directory {Path.cwd()} and in {sys.prefix}"
            ]
        ) from error
    if not callable(function):
        raise ConfigurationError([f"{setting}: {target!r} is not a function"])
    return function  # type: ignore[no-any-return]
