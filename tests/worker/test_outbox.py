# SPDX-License-Identifier: GPL-3.0-or-later
"""The transactional outbox."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from support.producing import FIFO, URL, Client

from sqs_worker.outbox import Outbox


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
