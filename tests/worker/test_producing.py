# SPDX-License-Identifier: GPL-3.0-or-later
"""The producer's side: sizes, batches, repeated entries, trace context, payloads in S3, the outbox."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path
from typing import Any

import boto3
import pytest
import sqlalchemy as sa
from botocore.exceptions import EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from sqs_worker import FatalError, Message, Outgoing, Producer, RetryableError, SendError
from sqs_worker.batch import MAX_BATCH_BYTES
from sqs_worker.layers import trace
from sqs_worker.layers.payload import PayloadStore, parse_pointer
from sqs_worker.outbox import Outbox
from sqs_worker.producer import _batches, entry_size

URL = "https://sqs.example/1/orders"
FIFO = "https://sqs.example/1/payments.fifo"
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Client:
    """Takes batches like SQS; ``refusals`` says how often which body is refused, and whether by the sender's fault."""

    def __init__(self, refusals: dict[str, tuple[int, bool]] | None = None) -> None:
        self.refusals = refusals or {}
        self.sent: list[dict[str, Any]] = []
        self.batches = 0

    def send_message(self, **entry: Any) -> dict[str, Any]:
        self.sent.append(entry)
        return {"MessageId": f"id-{entry['MessageBody']}"}

    def send_message_batch(self, **parameters: Any) -> dict[str, Any]:
        entries = parameters["Entries"]
        self.batches += 1
        assert 1 <= len(entries) <= 10
        assert sum(map(entry_size, entries)) <= MAX_BATCH_BYTES
        answer: dict[str, list[dict[str, Any]]] = {"Successful": [], "Failed": []}
        for entry in entries:
            left, fault = self.refusals.get(entry["MessageBody"], (0, False))
            if left:
                self.refusals[entry["MessageBody"]] = (left - 1, fault)
                answer["Failed"].append({"Id": entry["Id"], "Code": "X", "SenderFault": fault})
            else:
                self.sent.append(entry)
                answer["Successful"].append({"Id": entry["Id"], "MessageId": f"id-{entry['MessageBody']}"})
        return answer


def test_messages_are_sent_in_batches_in_order() -> None:
    client = Client()
    ids = Producer(URL, client=client).send_many([str(number) for number in range(25)])
    assert ids == [f"id-{number}" for number in range(25)]
    assert client.batches == 3


def test_failed_entries_are_repeated() -> None:
    client = Client({"3": (2, False)})
    assert Producer(URL, client=client).send_many(list("0123456")) == [f"id-{number}" for number in range(7)]
    assert client.batches == 3


def test_what_stays_refused_is_named() -> None:
    client = Client({"3": (9, True)})
    with pytest.raises(SendError, match="1 of 5 messages not sent: message 3: X") as error:
        Producer(URL, client=client).send_many(list("01234"))
    assert error.value.message_ids == ["id-0", "id-1", "id-2", None, "id-4"]


def test_a_group_keeps_its_order_when_its_first_message_is_refused_for_a_while() -> None:
    client = Client({"1": (2, False)})
    Producer(FIFO, client=client).send_many(
        [Outgoing("1", group_id="a"), Outgoing("2", group_id="b"), Outgoing("3", group_id="a")]
    )
    assert [entry["MessageBody"] for entry in client.sent if entry["MessageGroupId"] == "a"] == ["1", "3"]
    assert client.batches == 4


def test_nothing_is_sent_past_a_failed_fifo_message() -> None:
    client = Client({"5": (99, True)})
    messages = [Outgoing(str(number), group_id="g", deduplication_id=str(number)) for number in range(25)]
    with pytest.raises(SendError) as error:
        Producer(FIFO, client=client).send_many(messages)
    assert set(error.value.failed) == set(range(5, 25))
    assert [entry["MessageBody"] for entry in client.sent] == list("01234")


@given(st.lists(st.integers(1, 400_000), max_size=40))
def test_batches_keep_order_and_limits(sizes: list[int]) -> None:
    entries = [{"MessageBody": "x" * size} for size in sizes]
    batches = _batches(entries)
    assert [position for batch in batches for position in batch] == list(range(len(sizes)))
    assert all(len(batch) <= 10 and sum(sizes[position] for position in batch) <= MAX_BATCH_BYTES for batch in batches)


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        (Outgoing(""), "body is empty"),
        (Outgoing("x" * (MAX_BATCH_BYTES + 1)), "message of 1048577 bytes"),
        (Outgoing("é" * (MAX_BATCH_BYTES // 2), {"a": "b"}), "message of 1048584 bytes"),
        (Outgoing("x", delay_seconds=901), "delay_seconds: 901"),
        (Outgoing("x", {"a": ""}), "attribute a: '' is not"),
        (Outgoing("x", {"a": True}), "attribute a: True is not"),
    ],
)
def test_what_sqs_would_refuse_is_refused_before_the_call(message: Outgoing, problem: str) -> None:
    client = Client()
    with pytest.raises(ValueError, match=problem):
        Producer(URL, client=client).send_many(["fine", message])
    assert not client.sent


def test_a_handler_passes_its_trace_context_on() -> None:
    client = Client()
    producer = Producer(URL, client=client)
    message = Message(
        "x", "m", system_attributes={"AWSTraceHeader": "Root=1-2-3"},
        message_attributes={"traceparent": {"DataType": "String", "StringValue": TRACEPARENT}},
    )  # fmt: skip

    async def handle(_message: Message) -> None:
        await asyncio.to_thread(producer.send, "next", attributes={"kind": "new"})

    asyncio.run(trace.middleware(message, handle))
    (entry,) = client.sent
    assert entry["MessageAttributes"]["traceparent"]["StringValue"] == TRACEPARENT
    assert entry["MessageAttributes"]["kind"]["StringValue"] == "new"
    assert entry["MessageSystemAttributes"]["AWSTraceHeader"]["StringValue"] == "Root=1-2-3"


def test_a_malformed_traceparent_is_not_passed_on() -> None:
    for wrong in ("", "00-xyz", f"00-{'0' * 32}-b7ad6b7169203331-01", "x" * 1000):
        attributes = {"traceparent": {"DataType": "String", "StringValue": wrong}}
        assert trace.from_message(Message("x", "m", message_attributes=attributes)) == {}


def test_trace_context_never_makes_a_message_too_large_or_takes_a_users_attribute() -> None:
    client = Client()
    producer = Producer(URL, client=client)
    token = trace.current.set({"traceparent": TRACEPARENT})
    try:
        producer.send("x" * MAX_BATCH_BYTES)
        producer.send("x", attributes={f"a{number}": "v" for number in range(10)})
    finally:
        trace.current.reset(token)
    assert "MessageAttributes" not in client.sent[0]
    assert len(client.sent[1]["MessageAttributes"]) == 10


def test_a_payload_above_the_limit_goes_by_s3_and_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    with mock_aws():
        payload_there_and_back()


def payload_there_and_back() -> None:
    s3 = boto3.client("s3", region_name="us-east-1")
    s3.create_bucket(Bucket="payloads")
    client, body, seen = Client(), "ø" * MAX_BATCH_BYTES, list[str]()
    Producer(URL, client=client, payload_bucket="payloads").send(body)
    (entry,) = client.sent
    assert len(entry["MessageBody"]) < 300
    assert json.loads(entry["MessageBody"])[0] == "software.amazon.payloadoffloading.PayloadS3Pointer"
    message = Message(entry["MessageBody"], "m", message_attributes=entry["MessageAttributes"])

    async def handle(whole: Message) -> None:
        seen.append(whole.body)

    store = PayloadStore("payloads", 10_000_000, client=s3)
    asyncio.run(store.middleware(message, handle))
    assert seen == [body]
    with pytest.raises(FatalError, match="above SQS_WORKER_PAYLOAD_MAX_BYTES"):
        PayloadStore("payloads", 1000, client=s3).fetch(message.body)
    with pytest.raises(FatalError, match="SQS_WORKER_PAYLOAD_BUCKET is not set"):
        PayloadStore(None, 1000, client=s3).fetch(message.body)
    s3.delete_object(Bucket="payloads", Key=parse_pointer(message.body)[1])
    with pytest.raises(FatalError, match="is gone"):
        store.fetch(message.body)


def test_a_bucket_that_does_not_answer_is_tried_again() -> None:
    class Down:
        def get_object(self, **_arguments: Any) -> Any:
            raise EndpointConnectionError(endpoint_url="https://s3.example")

    with pytest.raises(RetryableError):
        PayloadStore("b", 10, client=Down()).fetch('["x",{"s3BucketName":"b","s3Key":"k"}]')


@given(st.text())
def test_any_body_is_a_pointer_or_fatal(body: str) -> None:
    try:
        parse_pointer(body)
    except FatalError as error:
        assert "no pointer" in str(error)


def outbox(tmp_path: Path, client: Client) -> tuple[sa.Engine, Outbox]:
    engine = sa.create_engine(f"sqlite:///{tmp_path}/service.db")
    box = Outbox(engine, client=client)
    box.create_table()
    box.create_table()
    return engine, box


def test_the_outbox_sends_what_was_committed_and_nothing_else(tmp_path: Path) -> None:
    client = Client()
    engine, box = outbox(tmp_path, client)
    with engine.begin() as connection:
        box.add(connection, URL, {"order": 1}, attributes={"n": 3})
    with pytest.raises(ZeroDivisionError), engine.begin() as connection:
        box.add(connection, URL, {"order": 2})
        raise ZeroDivisionError
    assert box.relay_once() == 1
    assert box.relay_once() == 0
    (entry,) = client.sent
    assert entry["MessageBody"] == '{"order":1}'
    assert entry["MessageAttributes"] == {"n": {"DataType": "Number", "StringValue": "3"}}


def test_the_outbox_keeps_what_was_not_sent_and_the_order_of_a_queue(tmp_path: Path) -> None:
    client = Client({'"2"': (99, True)})
    engine, box = outbox(tmp_path, client)
    with engine.begin() as connection:
        for number in range(4):
            box.add(connection, FIFO, f'"{number}"', group_id="g")
        for number in range(30):
            box.add(connection, FIFO, f'"later {number}"', group_id="g")
    box.relay_once()
    assert box.pending() > 24, "nothing of the batches behind the failed one may be sent"
    client.refusals.clear()
    while box.pending():
        box.relay_once()
    bodies = [entry["MessageBody"] for entry in client.sent]
    assert sorted(bodies) == sorted({f'"{number}"' for number in range(4)} | {f'"later {n}"' for n in range(30)})
    ids = [entry["MessageDeduplicationId"] for entry in client.sent]
    assert len(set(ids)) == len(ids)


def test_a_message_whose_deletion_was_lost_keeps_its_deduplication_id(tmp_path: Path) -> None:
    class Crashing(Client):
        def send_message_batch(self, **parameters: Any) -> dict[str, Any]:
            answer = super().send_message_batch(**parameters)
            if len(self.sent) == 1:
                raise KeyboardInterrupt
            return answer

    client = Crashing()
    engine, box = outbox(tmp_path, client)
    with engine.begin() as connection:
        box.add(connection, FIFO, "x", group_id="g")
    with pytest.raises(KeyboardInterrupt):
        box.relay_once()
    assert box.relay_once() == 1
    assert client.sent[0]["MessageDeduplicationId"] == client.sent[1]["MessageDeduplicationId"]


def test_several_relays_send_each_message_once(tmp_path: Path) -> None:
    client = Client()
    engine, box = outbox(tmp_path, client)
    boxes = [box, *(Outbox(engine, client=client) for _unused in range(3))]
    with engine.begin() as connection:
        for number in range(300):
            box.add(connection, URL, str(number))

    def relay(mine: Outbox) -> None:
        while mine.pending():
            mine.relay_once()

    threads = [threading.Thread(target=relay, args=(mine,)) for mine in boxes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [entry["MessageBody"] for entry in client.sent] == [str(number) for number in range(300)]


def test_the_background_relay_sends_by_itself_and_at_the_end(tmp_path: Path) -> None:
    client = Client()
    engine, box = outbox(tmp_path, client)
    with box.relay(interval=60), engine.begin() as connection:
        box.add(connection, URL, "last")
    assert [entry["MessageBody"] for entry in client.sent] == ["last"]


def test_the_outbox_refuses_at_once_what_could_never_be_sent(tmp_path: Path) -> None:
    engine, box = outbox(tmp_path, Client())
    with engine.begin() as connection:
        with pytest.raises(ValueError, match="group_id is missing"):
            box.add(connection, FIFO, "x")
        with pytest.raises(ValueError, match="body is empty"):
            box.add(connection, URL, "")
        with pytest.raises(ValueError, match="attribute raw: the outbox stores"):
            box.add(connection, URL, "x", attributes={"raw": b"1"})
    assert box.pending() == 0
