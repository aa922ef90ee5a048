# SPDX-License-Identifier: GPL-3.0-or-later
"""A Python function as handler."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest
from support.messages import MESSAGE

from sqs_worker import ConfigurationError
from sqs_worker.handlers.function import AsyncFunction, SyncFunction, function_handler


def test_functions_are_recognised_as_what_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "job_handlers.py").write_text(
        "async def later(m): pass\ndef now(m): pass\nclass C:\n  async def __call__(self, m): pass\nobj = C()\nn = 1\n"
    )
    monkeypatch.chdir(tmp_path)
    assert isinstance(function_handler("job_handlers:later", 1), AsyncFunction)
    assert isinstance(function_handler("job_handlers:obj", 1), AsyncFunction)
    assert isinstance(function_handler("job_handlers:now", 1), SyncFunction)
    for target, problem in (("job_handlers:none", "cannot be imported"), ("job_handlers:n", "is not a function"),
                            ("no_such_module:f", "cannot be imported")):  # fmt: skip
        with pytest.raises(ConfigurationError, match=problem):
            function_handler(target, 1)


def test_synchronous_functions_run_beside_each_other() -> None:
    barrier = threading.Barrier(4, timeout=10)

    async def main() -> None:
        handler = SyncFunction(lambda _message: barrier.wait(), 4)
        await asyncio.gather(*(handler(MESSAGE) for _unused in range(4)))
        await handler.close()

    asyncio.run(main())


def test_a_thread_that_is_given_up_still_holds_its_slot() -> None:
    async def main() -> None:
        release, freed = threading.Event(), asyncio.Event()
        handler = SyncFunction(lambda _message: release.wait(10), 1)
        handler.on_free = freed.set
        running = asyncio.create_task(handler(MESSAGE))
        await asyncio.sleep(0.05)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert handler.stuck == 1
        release.set()
        await asyncio.wait_for(freed.wait(), 5)
        assert handler.stuck == 0
        await handler.close()

    asyncio.run(main())
