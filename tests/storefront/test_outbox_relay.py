# SPDX-License-Identifier: GPL-3.0-or-later
"""The outbox as the storefront relies on it: SQS may be slow, away or partly wrong, and nothing else notices."""

from __future__ import annotations

import socket
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest
from botocore.config import Config
from storefront_support import REGION, Aws

from sqs_worker.outbox import Outbox
from storefront.database import connect, open_outbox

LIMIT_SECONDS = 30


def add(outbox: Outbox, database_url: str, queue_url: str, body: str, group_id: str | None = None) -> None:
    with connect(database_url).begin() as connection:
        outbox.add(connection, queue_url, body, group_id=group_id)


def test_an_sqs_that_does_not_answer_holds_up_no_transaction(database_url: str, aws: Aws) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = boto3.client(
            "sqs",
            region_name=REGION,
            endpoint_url=f"http://127.0.0.1:{silent.getsockname()[1]}",
            config=Config(read_timeout=LIMIT_SECONDS, retries={"total_max_attempts": 1}),
        )
        stuck = Outbox(connect(database_url), client=client)
        outbox = open_outbox(connect(database_url))
        add(outbox, database_url, aws.queues["order"], '"first"')
        with ThreadPoolExecutor(2) as pool:
            relay = pool.submit(stuck.relay_once)
            conversation, _unused = silent.accept()
            pool.submit(add, outbox, database_url, aws.queues["order"], '"second"').result(LIMIT_SECONDS / 3)
            assert outbox.pending() == 2
            assert not relay.done()
            conversation.close()
            assert relay.result(LIMIT_SECONDS) == 0
    assert outbox.relay_once() == 2


def test_a_queue_that_is_not_there_keeps_the_others_neither_back_nor_busy(database_url: str, aws: Aws) -> None:
    outbox = open_outbox(connect(database_url))
    for number in range(120):  # more than a relay takes at once
        add(outbox, database_url, f"{aws.endpoint}/123456789012/gone-{aws.prefix}", f'"lost {number}"')
    add(outbox, database_url, aws.queues["order"], '"kept"')
    assert [outbox.relay_once() for _unused in range(3)] == [1, 0, 0]
    assert [message["body"] for message in aws.receive("order")] == ["kept"]
    assert outbox.pending() == 120


def test_a_second_relay_does_not_overtake_the_first(database_url: str, aws: Aws) -> None:
    entered, leave = threading.Event(), threading.Event()

    class SlowClient:
        def send_message_batch(self, **parameters: Any) -> Any:
            entered.set()
            assert leave.wait(LIMIT_SECONDS)
            return aws.client("sqs").send_message_batch(**parameters)

    slow = Outbox(connect(database_url), client=SlowClient())
    other = open_outbox(connect(database_url))
    add(other, database_url, aws.queues["payment"], '"first"', group_id="g")
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(slow.relay_once)
        assert entered.wait(LIMIT_SECONDS)
        add(other, database_url, aws.queues["payment"], '"second"', group_id="g")
        assert other.relay_once() == 0
        leave.set()
        assert first.result(LIMIT_SECONDS) == 1
    assert other.relay_once() == 1
    assert [message["body"] for message in aws.receive("payment")] == ["first", "second"]


def test_groups_keep_their_order_whoever_relays(database_url: str, aws: Aws) -> None:
    outboxes = [open_outbox(connect(database_url)) for _unused in range(4)]
    for number in range(60):
        add(outboxes[0], database_url, aws.queues["payment"], str(number), group_id=f"g{number % 3}")
    with ThreadPoolExecutor(4) as pool:
        while outboxes[0].pending():
            list(pool.map(Outbox.relay_once, outboxes))
    seen: dict[str, list[int]] = defaultdict(list)
    for message in aws.receive("payment"):
        seen[message["MessageGroupId"]].append(message["body"])
    assert seen == {f"g{group}": list(range(group, 60, 3)) for group in range(3)}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_sending_again_and_again_makes_one_client(database_url: str, aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def counted(service: str, *arguments: Any, **named: Any) -> Any:
        made.append(service)
        return boto3.client("sqs", region_name=REGION, endpoint_url=aws.endpoint)

    monkeypatch.setattr("sqs_worker.producer.botocore_client", counted)
    outbox = open_outbox(connect(database_url))
    for number in range(3):
        add(outbox, database_url, aws.queues["order"], str(number))
        assert outbox.relay_once() == 1
    assert made == ["sqs"]


def test_a_queue_that_fails_is_asked_less_and_less_and_sends_when_it_is_back(database_url: str, aws: Aws) -> None:
    asked: list[str] = []
    gone = f"{aws.endpoint}/123456789012/{aws.prefix}-later"

    class CountingClient:
        def send_message_batch(self, **parameters: Any) -> Any:
            asked.append(parameters["QueueUrl"])
            return aws.client("sqs").send_message_batch(**parameters)

    engine = connect(database_url)
    open_outbox(engine)
    outbox = Outbox(engine, client=CountingClient())
    add(outbox, database_url, gone, '"late"')
    with outbox.relay(interval=0.01):
        for number in range(30):
            add(outbox, database_url, aws.queues["order"], str(number))
            wait_until(lambda: outbox.pending() == 1)
        assert 1 <= asked.count(gone) < 10
        assert aws.client("sqs").create_queue(QueueName=f"{aws.prefix}-later")["QueueUrl"] == gone
        wait_until(lambda: outbox.pending() == 0)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LIMIT_SECONDS * 2
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
