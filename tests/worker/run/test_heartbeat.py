# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages in hand stay invisible; in virtual time, on the model of SQS."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from support.harness import QUEUE, lost, standard, until, working
from support.virtual import now, run

from sqs_worker import Message
from sqs_worker.observe.metrics import Metrics
from sqs_worker.run.heartbeat import Heartbeat
from sqs_worker.run.job import Job


def test_heartbeats_are_batched() -> None:
    async def main() -> None:
        sqs = standard(visibility=30.0)

        async def handle(_message: Message) -> None:
            await asyncio.sleep(120)

        for number in range(100):
            sqs.send(QUEUE, str(number))
        async with working(sqs, handle, concurrency=100, drain_timeout=200):
            await until(lambda: not sqs.queues[QUEUE].messages)
        assert sqs.calls["ChangeMessageVisibilityBatch"] <= 100 / 10 * 10

    run(main())


def test_heartbeat_goes_up_to_twelve_hours_and_no_further() -> None:
    """The cap of 12 hours is SQS's: a later extension is refused, and the message delivered again."""

    async def main() -> None:
        sqs, began = standard(visibility=600.0), list[Any]()

        async def handle(message: Message) -> None:
            began.append(asyncio.get_running_loop().time())
            await asyncio.sleep(13 * 3600 if len(began) == 1 else 0)

        sqs.send(QUEUE, "endless")
        async with working(sqs, handle, drain_timeout=1):
            await until(lambda: sqs.queues[QUEUE].messages[:1] == [] and len(began) >= 1, 15 * 3600, step=60)
        stored_for = began[-1] - began[0]
        assert len(began) == 1 or 43_100 <= stored_for <= 43_300

    run(main())


@pytest.mark.parametrize("answer", ["arrives", "is lost"])
def test_a_release_waits_for_the_extension_in_the_air(answer: str) -> None:
    """And for no other: what is not being extended is released at once."""

    async def main() -> None:
        sqs = standard()
        heartbeat = Heartbeat(sqs, QUEUE, 30.0, Metrics("worker", QUEUE))
        sqs.send(QUEUE, "due")
        sqs.send(QUEUE, "fresh")
        receive = {"QueueUrl": QUEUE, "MaxNumberOfMessages": 2, "WaitTimeSeconds": 0}
        received = (await sqs.call("ReceiveMessage", receive))["Messages"]
        due, fresh = (
            Job(Message.from_response(raw, QUEUE), now(), now() + seconds)
            for raw, seconds in zip(received, (15, 30), strict=True)
        )
        sqs.latency = 3.0
        sqs.lost = lambda operation, _p: lost(operation) if answer == "is lost" else None
        for job in (due, fresh):
            heartbeat.watch(job)
        beating = asyncio.create_task(heartbeat.run())
        await until(lambda: sqs.calls["ChangeMessageVisibilityBatch"] == 1, 10)
        sent = now()
        await heartbeat.release(fresh)
        assert now() == sent
        await heartbeat.release(due)
        assert now() >= sent + 2.9, "released before the extension was answered"
        await asyncio.sleep(60)
        assert sqs.calls["ChangeMessageVisibilityBatch"] == 1, "extended after its release"
        beating.cancel()

    run(main())
