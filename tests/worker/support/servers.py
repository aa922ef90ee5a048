# SPDX-License-Identifier: GPL-3.0-or-later
"""An SQS emulator as a process, on loopback, ended with its context."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config

from checkout import ROOT, WORKER

HERE = ROOT / "tests/worker"
CREDENTIALS = {
    "AWS_REGION": "ap-southeast-1",
    "AWS_DEFAULT_REGION": "ap-southeast-1",
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@dataclass(frozen=True)
class Emulator:
    """A running emulator."""

    endpoint: str

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to use it instead of AWS, and this package."""
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SQS_WORKER_"))},
            **CREDENTIALS,
            "AWS_ENDPOINT_URL": self.endpoint,
            "PYTHONPATH": str(WORKER),
            "PYTHONUNBUFFERED": "1",
        }

    def client(self, service: str = "sqs") -> Any:
        """A boto3 client of it."""
        return boto3.client(
            service,  # type: ignore[call-overload]
            endpoint_url=self.endpoint,
            region_name=CREDENTIALS["AWS_REGION"],
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
            config=Config(retries={"max_attempts": 10, "mode": "standard"}, max_pool_connections=20),
        )

    def calls(self) -> dict[str, int]:
        """How often each operation was called so far."""
        with urllib.request.urlopen(f"{self.endpoint}/_calls", timeout=10) as answer:  # noqa: S310
            return dict(json.load(answer))

    def queue(self, name: str, **attributes: str) -> str:
        """Create a queue and return its URL."""
        return str(self.client().create_queue(QueueName=name, Attributes=attributes)["QueueUrl"])

    def with_dead_letters(self, name: str, *, max_receive_count: int = 3, **attributes: str) -> tuple[str, str]:
        """Create a queue with a dead-letter queue; returns their URLs."""
        suffix = ".fifo" if name.endswith(".fifo") else ""
        fifo = {"FifoQueue": "true"} if suffix else {}
        dead_letters = self.queue(f"{name.removesuffix(suffix)}-dlq{suffix}", **fifo)
        answer = self.client().get_queue_attributes(QueueUrl=dead_letters, AttributeNames=["QueueArn"])
        policy = {"deadLetterTargetArn": answer["Attributes"]["QueueArn"], "maxReceiveCount": max_receive_count}
        return self.queue(name, RedrivePolicy=json.dumps(policy), **fifo, **attributes), dead_letters

    def depth(self, url: str) -> tuple[int, int]:
        """Messages visible or delayed, and in flight."""
        attributes = self.client().get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        waiting = int(attributes["ApproximateNumberOfMessages"]) + int(attributes["ApproximateNumberOfMessagesDelayed"])
        return waiting, int(attributes["ApproximateNumberOfMessagesNotVisible"])


def install_packages() -> None:
    """``npm ci``, when the lock file is newer than what is installed."""
    installed, lock = HERE / "node_modules/.package-lock.json", HERE / "package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=HERE, check=True, timeout=1800)


@contextmanager
def fauxqs(delay_ms: int = 0) -> Iterator[Emulator]:
    """fauxqs from ``package-lock.json``, with ``delay_ms`` added to each call."""
    install_packages()
    process = subprocess.Popen(
        ["node", str(HERE / "fauxqs.mjs"), "0", str(delay_ms)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        assert port.isdecimal(), "fauxqs did not start: see above"
        yield Emulator(f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait(10)
