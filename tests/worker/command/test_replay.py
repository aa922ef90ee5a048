# SPDX-License-Identifier: GPL-3.0-or-later
"""``sqs-worker replay``, with real processes on fauxqs."""

from __future__ import annotations

from pathlib import Path

from support.command import environment, run
from support.servers import Emulator

from sqs_worker.run.dead_letter import REASON_ATTRIBUTE


def test_replay_moves_the_chosen_and_leaves_the_rest(sqs: Emulator, app: Path) -> None:
    url, dead_letters = sqs.with_dead_letters("outside-replay")
    client = sqs.client()
    for number in range(25):
        reason = "ValueError: price" if number % 5 == 0 else "ValueError: customer"
        client.send_message(
            QueueUrl=dead_letters, MessageBody=str(number),
            MessageAttributes={REASON_ATTRIBUTE: {"DataType": "String", "StringValue": reason},
                               "kind": {"DataType": "String", "StringValue": "order"}},
        )  # fmt: skip
    env = environment(sqs, queue_url=url, dead_letter_queue_url=dead_letters, handler="python:app_handlers:handle")
    result = run(["replay", "--dry-run", "--reason", "price"], app, env)
    assert "5 of 25 messages would be replayed" in result.stdout
    assert (sqs.depth(dead_letters), sqs.depth(url)) == ((25, 0), (0, 0))
    result = run(["replay", "--reason", "price"], app, env)
    assert "5 of 25 messages replayed" in result.stdout
    assert (sqs.depth(dead_letters), sqs.depth(url)) == ((20, 0), (5, 0))
    result = run(["replay", "--max", "3"], app, env)
    assert result.stdout.splitlines()[-1].startswith("3 of ")
    assert (sqs.depth(dead_letters), sqs.depth(url)) == ((17, 0), (8, 0))
    messages = client.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"])["Messages"]
    assert all(set(message["MessageAttributes"]) == {"kind"} for message in messages)
