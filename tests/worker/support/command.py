# SPDX-License-Identifier: GPL-3.0-or-later
"""The command, run as processes of its own in a folder with handlers, and asked over HTTP."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support.servers import Emulator

HANDLERS = """
import time
from sqs_worker import FatalError, Message

def handle(message: Message) -> None:
    if message.body == "fatal":
        raise FatalError("amount is negative")
    if message.body == "bad":
        raise ValueError("no such customer")
    if message.body.startswith("sleep"):
        time.sleep(float(message.body.split()[1]))
    # In one piece: messages are handled side by side, and print writes each of its arguments by itself.
    print(f"handled {message.body}\\n", end="", flush=True)
"""


def free_port() -> int:
    """A TCP port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(sqs: Emulator, **settings: str) -> dict[str, str]:
    """The emulator's environment with these settings of the worker."""
    return sqs.environment | {f"SQS_WORKER_{name.upper()}": value for name, value in settings.items()}


def run(command: list[str], app: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a subcommand to its end."""
    return subprocess.run(
        [sys.executable, "-m", "sqs_worker", *command],
        check=False,
        cwd=app,
        env=env,
        text=True,
        capture_output=True,
        timeout=600,
    )


@contextmanager
def started(app: Path, env: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """A running worker that writes to the file ``log``; killed at the end."""
    with (app / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "sqs_worker", "run"],
            cwd=app,
            env=env,
            stdout=log,
            stderr=subprocess.STDOUT,
            text=True,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait(10)


def get(address: str, path: str) -> tuple[int, str]:
    """Status and body of an HTTP answer; status 0 and the reason when there is none."""
    try:
        with urllib.request.urlopen(f"http://{address}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError as error:
        return 0, str(error)


def eventually(condition: Any, seconds: float = 30.0) -> Any:
    """Wait for a condition to be true and return what it returned; an AssertionError after ``seconds``."""
    give_up_at = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < give_up_at, "still not so"
        time.sleep(0.05)
    return result
