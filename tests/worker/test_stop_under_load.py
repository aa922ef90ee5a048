# SPDX-License-Identifier: GPL-3.0-or-later
"""SIGTERM during full load, 50 times: out in time, nothing left in flight, no receive wasted, nothing done twice."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from support.servers import Emulator

ROUNDS = 50
DRAIN = 10.0
HANDLER = """
import asyncio, os

log = os.open("done", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

async def handle(message):
    await asyncio.sleep(0.03)
    os.write(log, f"{message.body} {message.receive_count}\\n".encode())
"""


def test_fifty_stops_under_full_load(sqs: Emulator, tmp_path: Path) -> None:
    (tmp_path / "load_handlers.py").write_text(HANDLER)
    done = tmp_path / "done"
    done.touch()
    url, dead_letters = sqs.with_dead_letters("stop-under-load")
    client = sqs.client()
    environment = sqs.environment | {
        "SQS_WORKER_QUEUE_URL": url,
        "SQS_WORKER_DEAD_LETTER_QUEUE_URL": dead_letters,
        "SQS_WORKER_HANDLER": "python:load_handlers:handle",
        "SQS_WORKER_WAIT_TIME": "1",
        "SQS_WORKER_DRAIN_TIMEOUT": str(DRAIN),
    }
    sent = 0
    for _unused in range(ROUNDS):
        while sum(sqs.depth(url)) < 400:
            entries = [{"Id": str(number), "MessageBody": str(sent + number)} for number in range(10)]
            client.send_message_batch(QueueUrl=url, Entries=entries)
            sent += 10
        before = done.stat().st_size
        with (tmp_path / "log").open("a") as log:
            command = [sys.executable, "-m", "sqs_worker", "run"]
            worker = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=log, stderr=log)
        try:
            give_up_at = time.monotonic() + 30
            while done.stat().st_size < before + 100:
                assert time.monotonic() < give_up_at, (tmp_path / "log").read_text()[-2000:]
                time.sleep(0.01)
            worker.terminate()
            assert worker.wait(DRAIN + 5) == 0
        finally:
            worker.kill()
            worker.wait(10)
        assert sqs.depth(url)[1] == 0, "left in flight"
    handled = [line.split() for line in done.read_text().splitlines()]
    assert {count for _unused, count in handled} == {"1"}, "a receive was wasted"
    assert max(Counter(body for body, _unused in handled).values()) == 1, "done twice"
    assert len(handled) + sqs.depth(url)[0] == sent, "lost"
    assert sqs.depth(dead_letters) == (0, 0)
