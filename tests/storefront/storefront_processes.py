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

from storefront_support import REGION, Aws

from checkout import STOREFRONT, WORKER

SOURCES = [STOREFRONT, WORKER]
LIMIT_SECONDS = 300


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


class Shop:
    """The services and workers of one storefront, each in a folder of its own, with a mail sink.

    Work that was in hand when a worker is killed comes back after 3 s, and what fails is tried again soon.
    """

    def __init__(self, aws: Aws, folder: Path) -> None:
        self._aws = aws
        self._folder = folder
        self._running = contextlib.ExitStack()
        self.maildir = folder / "mails"
        self.ports = {service: free_port() for service in ("order", "payment", "notification", "inventory")}
        self._smtp_port = 0

    def __enter__(self) -> Self:
        sink = self._run(["storefront.smtp_sink", "--port", "0", "--directory", str(self.maildir)], {}, "sink")
        started = sink.wait_for_text("listening on 127.0.0.1:")
        self._smtp_port = int(started.split("127.0.0.1:")[1].split(",")[0])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._running.close()

    def url(self, service: str) -> str:
        """Where a service answers."""
        return f"http://127.0.0.1:{self.ports[service]}"

    def service(self, service: str) -> Program:
        """Start the HTTP side of a service and wait until it answers."""
        program = self._run([f"storefront.{service}"], self._environment(service), service)
        program.wait_for_health(self.ports[service])
        return program

    def worker(self, service: str, *, consumes: str) -> Program:
        """Start the worker of a service."""
        worker = {
            "SQS_WORKER_QUEUE_URL": self._aws.queues[consumes],
            "SQS_WORKER_DEAD_LETTER_QUEUE_URL": self._aws.queues["dlq-fifo" if consumes == "payment" else "dlq"],
            "SQS_WORKER_HANDLER": f"python:storefront.{service}.worker:handle",
            "SQS_WORKER_VISIBILITY_TIMEOUT": "3",
            "SQS_WORKER_WAIT_TIME": "2",
            "SQS_WORKER_BACKOFF_BASE": "0.5",
        }
        return self._run(["sqs_worker", "run"], self._environment(service) | worker, service)

    def everything(self) -> None:
        """Start order, payment and notification with their workers."""
        for service in ("order", "payment", "notification"):
            self.service(service)
        self.worker("order", consumes="payment")
        self.worker("payment", consumes="order")
        self.worker("notification", consumes="notification")

    def _environment(self, service: str) -> dict[str, str]:
        return environment(
            self._aws,
            PORT=str(self.ports[service]),
            INVENTORY_QUEUE_URL=self._aws.queues["inventory"],
            SMTP_HOST="127.0.0.1",
            SMTP_PORT=str(self._smtp_port),
            SMTP_SECURITY="none",
            MAIL_FROM="shop@storefront.example",
        )

    def _run(self, arguments: Sequence[str], variables: Mapping[str, str], folder: str) -> Program:
        return self._running.enter_context(Program(arguments, variables, self._folder / folder))


def environment(aws: Aws, **more: str) -> dict[str, str]:
    """What a service finds in its environment."""
    return {
        "AWS_ENDPOINT_URL": aws.endpoint,
        "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "ORDER_QUEUE_URL": aws.queues["order"],
        "PAYMENT_QUEUE_URL": aws.queues["payment"],
        "NOTIFICATION_QUEUE_URL": aws.queues["notification"],
    } | more


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
