# SPDX-License-Identifier: GPL-3.0-or-later
"""``sqs-worker status``, with real processes on fauxqs."""

from __future__ import annotations

import re
from pathlib import Path

from support.command import environment, eventually, free_port, get, run, started
from support.servers import Emulator


def test_status_shows_queue_and_worker(sqs: Emulator, app: Path) -> None:
    url, dead_letters = sqs.with_dead_letters("outside-status")
    address = f"127.0.0.1:{free_port()}"
    env = environment(
        sqs, queue_url=url, dead_letter_queue_url=dead_letters, handler="python:app_handlers:handle",
        health_address=address, wait_time="1",
    )  # fmt: skip
    result = run(["status", "--once"], app, env)
    assert f"worker: nothing answers on {address}" in result.stdout
    sqs.client().send_message(QueueUrl=url, MessageBody="x")
    with started(app, env):
        eventually(lambda: get(address, "/readyz")[0] == 200 and sqs.depth(url) == (0, 0))
        result = run(["status", "--once"], app, env)
    assert "queue outside-status: 0 visible, 0 in flight, 0 delayed" in result.stdout
    assert "worker: ready" in result.stdout
    assert re.search(r"handled +1\n", result.stdout)
