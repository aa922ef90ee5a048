# SPDX-License-Identifier: GPL-3.0-or-later
"""Benchmark contender: this worker with everything switched on, ended after a number of messages.

Arguments: queue URL, number of messages, concurrency, handler (``noop`` or a number of seconds to sleep).
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time

from sqs_worker import Message
from sqs_worker.handlers.function import AsyncFunction
from sqs_worker.observe import logs
from sqs_worker.run.launcher import Launcher
from sqs_worker.settings import load


async def main(queue_url: str, expected: int, concurrency: int, sleep: float) -> None:
    """Consume and report on standard error."""
    logs.configure("bench", "INFO")
    settings = load(
        {
            "SQS_WORKER_QUEUE_URL": queue_url,
            "SQS_WORKER_HANDLER": "python:bench:handle",
            "SQS_WORKER_CONCURRENCY": str(concurrency),
            "SQS_WORKER_HEALTH_ADDRESS": "127.0.0.1:0",
            "SQS_WORKER_WAIT_TIME": "1",
            "SQS_WORKER_DEADLINE": "60",
        }
    )
    handled, wall, cpu = 0, 0.0, 0.0

    async def handle(_message: Message) -> None:
        nonlocal handled, wall, cpu
        if not handled:  # from the first message on: a start's cost is no cost a message
            wall, cpu = time.perf_counter(), time.process_time()
        if sleep:
            await asyncio.sleep(sleep)
        handled += 1

    launcher = Launcher(settings, handler=AsyncFunction(handle))
    running = asyncio.create_task(launcher.run())
    while handled < expected and not running.done():
        await asyncio.sleep(0.01)
    wall = time.perf_counter() - wall
    await asyncio.sleep(0.5)  # the last deletes are part of the cost, the end of the process is not
    cpu = time.process_time() - cpu
    launcher.stop()
    await running
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"messages": handled, "seconds": wall, "cpu": cpu, "memory_mb": memory}), file=sys.stderr)


asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4].replace("noop", "0"))))
