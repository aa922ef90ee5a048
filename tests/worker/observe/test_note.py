# SPDX-License-Identifier: GPL-3.0-or-later
"""What a deploy reads of a worker: that it polls, works, and got the canary message; in virtual time."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.harness import DLQ, FIFO, QUEUE, fifo, nothing, standard, until, working
from support.virtual import run

from sqs_worker import FatalError, Message
from sqs_worker.message import CANARY
from sqs_worker.observe.note import Note, process_start


def canary(identifier: str) -> dict[str, dict[str, str]]:
    return {CANARY: {"DataType": "String", "StringValue": identifier}}


def noted(directory: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((directory / f"sqs-worker.{os.getpid()}.json").read_text())
    return found


def test_a_worker_on_an_empty_queue_has_polled_at_once(tmp_path: Path) -> None:
    async def main() -> None:
        async with working(standard(), nothing, note_directory=str(tmp_path)):
            await asyncio.sleep(1)
            known = noted(tmp_path)
            assert known["polled_at"]
            assert known["handled_at"] is None
            assert known["process"] == process_start(os.getpid())

    run(main())


@pytest.mark.parametrize("is_fifo", [False, True])
def test_a_canary_message_is_noted_and_deleted_and_no_handler_sees_it(tmp_path: Path, is_fifo: bool) -> None:
    async def main() -> None:
        seen: list[str] = []

        async def handle(message: Message) -> None:
            seen.append(message.body)

        sqs, queue = (fifo(), FIFO) if is_fifo else (standard(), QUEUE)
        group = {"group": "canary", "deduplication_id": "d-1"} if is_fifo else {}
        sqs.send(queue, '{"order_id": 1}', attributes=canary("deploy-1"), **group)
        async with working(sqs, handle, note_directory=str(tmp_path)):
            await asyncio.sleep(1)
            await until(lambda: noted(tmp_path)["canary"] == "deploy-1", 60)
            assert not sqs.queues[queue].messages
            assert noted(tmp_path)["handled_at"] is None
        assert not seen

    run(main())


@pytest.mark.parametrize("identifier", ["../../etc", "x" * 65, "a\nb"])
def test_what_is_no_canary_is_handled_like_any_message(tmp_path: Path, identifier: str) -> None:
    async def main() -> None:
        seen: list[str] = []

        async def handle(message: Message) -> None:
            seen.append(message.body)

        sqs = standard()
        sqs.send(QUEUE, "order", attributes=canary(identifier))
        async with working(sqs, handle, note_directory=str(tmp_path)):
            await until(lambda: bool(seen), 60)
            assert noted(tmp_path)["canary"] is None
            assert noted(tmp_path)["handled_at"]

    run(main())


def test_a_handler_that_fails_has_not_handled(tmp_path: Path) -> None:
    async def main() -> None:
        async def handle(_message: Message) -> None:
            raise FatalError("no")

        sqs = standard()
        sqs.send(QUEUE, "order")
        async with working(sqs, handle, note_directory=str(tmp_path)):
            await until(lambda: bool(sqs.queues[DLQ].messages), 60)
            assert noted(tmp_path)["handled_at"] is None

    run(main())


def test_a_note_ends_with_its_worker_and_one_of_a_killed_worker_with_the_next(tmp_path: Path) -> None:
    async def main() -> None:
        dead = subprocess.Popen([sys.executable, "-c", ""])
        dead.wait()
        left = tmp_path / f"sqs-worker.{dead.pid}.json"
        left.write_text("{}")
        (tmp_path / "other-worker.1.json").write_text("{}")
        async with working(standard(), nothing, note_directory=str(tmp_path)):
            await asyncio.sleep(1)
            assert not left.exists()
        assert [path.name for path in tmp_path.iterdir()] == ["other-worker.1.json"]

    run(main())


def test_a_folder_that_cannot_be_written_stops_no_work(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("")

    async def main() -> None:
        sqs = standard()
        sqs.send(QUEUE, "order")
        async with working(sqs, nothing, note_directory=str(tmp_path / "file" / "notes")):
            await until(lambda: not sqs.queues[QUEUE].messages, 60)

    run(main())
    assert "a deploy cannot see how far this worker is" in caplog.text


def test_a_note_is_private_to_its_user(tmp_path: Path) -> None:
    note = Note(str(tmp_path / "notes"), "w")
    note.begin()
    assert (tmp_path / "notes").stat().st_mode & 0o777 == 0o700
