# SPDX-License-Identifier: GPL-3.0-or-later
"""A command as handler: the message's body on standard input, its fate by the exit status."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shlex
import shutil
import signal

from sqs_worker.errors import ConfigurationError, FatalError, RetryableError
from sqs_worker.handlers.base import Handler
from sqs_worker.layers import trace
from sqs_worker.message import Message

EX_DATAERR = 65  # sysexits(3): the input is wrong, so another try is useless
TAIL = 1_000  # bytes of output kept as the reason
TERMINATE_GRACE = 0.5  # seconds between SIGTERM and SIGKILL, within the dispatcher's own grace


class CommandHandler(Handler):
    """Exit status 0 acknowledges, 65 dead-letters with the end of the output as reason, any other is a failure."""

    def __init__(self, command_line: str) -> None:
        super().__init__()
        try:
            self._command = shlex.split(command_line)
        except ValueError as error:
            raise ConfigurationError([f"SQS_WORKER_HANDLER: {command_line!r}: {error}"]) from error
        if shutil.which(self._command[0]) is None:
            raise ConfigurationError([f"SQS_WORKER_HANDLER: there is no program {self._command[0]!r}"])

    async def __call__(self, message: Message) -> None:
        """See Handler."""
        process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=os.environ | environment_for(message),
            start_new_session=True,
        )
        try:
            tail, _unused = await asyncio.gather(_tail(process), _feed(process, message.body.encode()))
            status = await process.wait()
        finally:
            if process.returncode is None:
                await _end(process)
        if status == 0:
            return
        reason = f"{self._command[0]} exited with {status}: {tail}"
        raise FatalError(reason) if status == EX_DATAERR else RetryableError(reason)


def environment_for(message: Message) -> dict[str, str]:
    """What the command is told about the message, beside its body."""
    attributes = {name: value for name, value in message.attributes.items() if isinstance(value, str)}
    return {
        "SQS_MESSAGE_ID": message.message_id,
        "SQS_QUEUE_URL": message.queue_url,
        "SQS_RECEIVE_COUNT": str(message.receive_count),
        "SQS_GROUP_ID": message.group_id or "",
        "SQS_DEDUPLICATION_ID": message.deduplication_id or "",
        "SQS_ATTRIBUTES": json.dumps(attributes),
        **{name.upper().replace("-", "_"): value for name, value in trace.headers().items()},
    }


async def _feed(process: asyncio.subprocess.Process, body: bytes) -> None:
    if process.stdin is None:
        return
    with contextlib.suppress(ConnectionError):  # the command need not read its input
        process.stdin.write(body)
        await process.stdin.drain()
    process.stdin.close()


async def _tail(process: asyncio.subprocess.Process) -> str:
    tail = b""
    while process.stdout is not None and (piece := await process.stdout.read(65_536)):
        tail = (tail + piece)[-TAIL:]
    return tail.decode(errors="replace").strip()


async def _end(process: asyncio.subprocess.Process) -> None:
    """End the command with all it started: what ignores SIGTERM, or outlives its parent, is killed."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(TERMINATE_GRACE):
                await process.wait()
