# SPDX-License-Identifier: GPL-3.0-or-later
"""The log."""

from __future__ import annotations

import asyncio
import json
import logging

import pytest

from sqs_worker import Message
from sqs_worker.observe import logs


def test_a_handlers_log_lines_carry_its_message(capsys: pytest.CaptureFixture[str]) -> None:
    async def handle(message: Message) -> None:
        logs.context.set({"message_id": message.message_id})
        await asyncio.to_thread(logging.getLogger("app").info, "charging")

    root = logging.getLogger()
    before = root.handlers[:], root.level
    try:
        logs.configure("w", "INFO")
        asyncio.run(handle(Message("secret body", "m-1")))
    finally:
        root.handlers[:], _unused = before
        root.setLevel(before[1])
    line = json.loads(capsys.readouterr().out)
    assert (line["message"], line["message_id"], line["worker"], line["level"]) == ("charging", "m-1", "w", "info")
