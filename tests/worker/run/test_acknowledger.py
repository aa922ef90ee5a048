# SPDX-License-Identifier: GPL-3.0-or-later
"""Settling: deletes, delays and dead letters; in virtual time, on the model of SQS."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Any

from support.harness import DLQ, QUEUE, lost, standard, until, working
from support.virtual import run

from sqs_worker import FatalError, Message, RetryableError


def test_failed_entries_of_a_delete_are_repeated() -> None:
    async def main() -> None:
        sqs, refused, runs = standard(), Counter[str](), Counter[str]()

        def refuse(operation: str, entry: Mapping[str, Any]) -> bool | None:
            if operation != "DeleteMessageBatch" or refused[entry["ReceiptHandle"]] >= 2:
                return None
            refused[entry["ReceiptHandle"]] += 1
            return False

        async def handle(message: Message) -> None:
            runs[message.body] += 1

        sqs.refuse_entry = refuse
        for number in range(20):
            sqs.send(QUEUE, str(number))
        async with working(sqs, handle):
            await until(lambda: not sqs.queues[QUEUE].messages, 20)
        assert set(runs.values()) == {1}

    run(main())


def test_a_failed_message_delivered_again_before_its_delay_is_not_deleted() -> None:
    """Never a silent delete: only what was handled may be deleted when it is delivered again."""

    async def main() -> None:
        sqs, tries = standard(visibility=5.0, max_receive_count=20), list[int]()
        call = sqs.call

        async def stalling(operation: str, parameters: Mapping[str, Any], **options: Any) -> dict[str, Any]:
            if operation == "ChangeMessageVisibilityBatch":
                await asyncio.sleep(8)  # the message is visible again before this call arrives
            return await call(operation, parameters, **options)

        async def handle(message: Message) -> None:
            tries.append(message.receive_count)
            if len(tries) < 4:
                raise RetryableError("not yet")

        sqs.call = stalling  # type: ignore[method-assign]
        sqs.send(QUEUE, "x")
        async with working(sqs, handle, backoff_base=1):
            await until(lambda: not sqs.queues[QUEUE].messages, 300)
        assert len(tries) == 4, "deleted though it never succeeded"

    run(main())


def test_fatal_messages_go_to_the_dead_letter_queue_at_once() -> None:
    """Never an endless loop and never a silent delete."""

    async def main() -> None:
        sqs = standard()

        async def handle(message: Message) -> None:
            if message.body == "fatal":
                raise FatalError("amount is negative")
            message.json()

        sqs.send(QUEUE, "fatal")
        sqs.send(QUEUE, "{not json")
        async with working(sqs, handle):
            await until(lambda: not sqs.queues[QUEUE].messages, 10)
        reasons = {m.body: m.attributes["DeadLetterReason"]["StringValue"] for m in sqs.queues[DLQ].messages}
        assert reasons["fatal"] == "FatalError: amount is negative"
        assert "malformed body: not JSON" in reasons["{not json"]

    run(main())


def test_a_fatal_message_is_left_alone_when_it_cannot_be_dead_lettered() -> None:
    """If that send fails, the message stays, and SQS moves it after its receives."""

    async def main() -> None:
        sqs = standard()
        sqs.fault = lambda operation, _p: lost(operation) if operation == "SendMessage" else None

        async def handle(_message: Message) -> None:
            raise FatalError("never")

        sqs.send(QUEUE, "fatal")
        async with working(sqs, handle):
            await until(lambda: sqs.bodies(DLQ) == ["fatal"], 600)
        assert sqs.queues[DLQ].messages[0].receive_count == 3

    run(main())
