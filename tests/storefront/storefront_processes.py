# SPDX-License-Identifier: GPL-3.0-or-later
"""The storefront's programs as real processes, ended with the test whatever happens."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[2]
SOURCES = [ROOT / "examples/storefront/src", ROOT / "roles/worker/files/sqs_worker/src"]
LIMIT_SECONDS = 60


def free_port() -> int:
    """A loopback port that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Program:
    """One running program; its output goes to a file."""

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str], folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.output = folder / "output.txt"
        inherited = {key: value for key, value in os.environ.items() if key in {"PATH", "LANG", "HOME", "TMPDIR"}}
        with self.output.open("ab") as stream:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *arguments],
                cwd=folder,
                env={**inherited, "PYTHONPATH": os.pathsep.join(map(str, SOURCES)), **environment},
                stdout=stream,
                stderr=stream,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.kill()

    def kill(self) -> None:
        """End it at once, as a crash would."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait(LIMIT_SECONDS)

    def stop(self) -> int:
        """Ask it to end, and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(LIMIT_SECONDS)

    def text(self) -> str:
        """What it has printed."""
        return self.output.read_text(errors="replace")

    def wait_for_text(self, wanted: str) -> str:
        """Wait until it has printed something; returns all it printed."""
        deadline = time.monotonic() + LIMIT_SECONDS
        while wanted not in self.text():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"{wanted!r} was never printed; what was: {self.text()}")
            time.sleep(0.05)
        return self.text()

    def wait_for_health(self, port: int) -> None:
        """Wait until its ``/healthz`` answers."""
        deadline = time.monotonic() + LIMIT_SECONDS
        while True:
            with contextlib.suppress(OSError):
                get(f"http://127.0.0.1:{port}/healthz")
                return
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"nothing answers on port {port}: {self.text()}")
            time.sleep(0.05)


def get(url: str) -> Any:
    """A JSON document by GET."""
    return _answer(urllib.request.Request(url))  # noqa: S310


def post(url: str, body: object, headers: Mapping[str, str] | None = None) -> Any:
    """Send a JSON document by POST, and return the answer's."""
    sent = {"Content-Type": "application/json", **(headers or {})}
    return _answer(urllib.request.Request(url, json.dumps(body).encode(), sent))  # noqa: S310


def _answer(request: urllib.request.Request) -> Any:
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        return json.load(answer)
