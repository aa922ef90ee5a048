# SPDX-License-Identifier: GPL-3.0-or-later
"""The poll loop's pulse: liveness, and what systemd hears of it."""

from __future__ import annotations

import asyncio
import signal
import socket
from pathlib import Path

import pytest
from support.command import environment, started
from support.harness import QUEUE, standard, working
from support.servers import Emulator
from support.virtual import run

from sqs_worker import Message
from sqs_worker.observe.metrics import Metrics
from sqs_worker.observe.note import Note
from sqs_worker.observe.pulse import Pulse


def test_the_watchdog_sees_a_stopped_poll_loop() -> None:
    """Readiness follows the poll loop itself: within two long polls, a silent stop is seen."""

    async def main() -> None:
        pulse = Pulse(20, Metrics("w", QUEUE), Note(None, "w"))
        pulse.polled()
        assert pulse.unready(busy=False) is None
        await asyncio.sleep(41)
        assert "no poll loop moved" in (pulse.stalled() or "")
        assert pulse.unready(busy=True) is not None

    run(main())


def test_the_watchdog_is_not_fed_while_every_handler_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hung worker: it polls on, but handles nothing any more; only a restart helps."""

    async def main() -> None:
        sqs, fed = standard(), list[float]()
        loop = asyncio.get_running_loop()
        monkeypatch.setattr("sqs_worker.observe.pulse.notify_systemd", lambda _state: fed.append(loop.time()))

        async def handle(_message: Message) -> None:
            while loop.time() < 1e6:
                try:
                    await asyncio.sleep(1e7)
                except asyncio.CancelledError:
                    continue

        async with working(sqs, handle, concurrency=1, deadline=5, wait_time=1) as launcher:
            await asyncio.sleep(60)
            assert loop.time() - fed[-1] < 5
            sqs.send(QUEUE, "hangs")
            await asyncio.sleep(60)
            assert loop.time() - fed[-1] > 45
            loop.now = 2e6  # type: ignore[attr-defined]
            launcher.stop()
            launcher.stop()

    run(main())


def test_systemd_is_told_ready_watchdog_and_stopping(sqs: Emulator, app: Path) -> None:
    path = app / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(str(path))
        channel.settimeout(20)
        url = sqs.queue("outside-notify")
        env = environment(sqs, queue_url=url, handler="python:app_handlers:handle", wait_time="1")
        with started(app, env | {"NOTIFY_SOCKET": str(path)}) as worker:
            said = [channel.recv(1000).decode() for _unused in range(4)]
            worker.send_signal(signal.SIGTERM)
            while not said[-1].startswith("STOPPING=1"):
                said.append(channel.recv(1000).decode())
    assert said[0].startswith("READY=1")
    assert said.count("WATCHDOG=1") >= 2
