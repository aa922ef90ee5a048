# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""An endpoint that throttles and takes its time makes a run longer; the run succeeds and shows how far it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from checkout import ROOT

QUEUES = 40
SECONDS = 4.0  # of an answer; with 16 calls under way, the queues take three times that
ACCOUNT = "123456789012"


class SlowSqs(BaseHTTPRequestHandler):
    """Lists no queue, and creates each when asked for the second time, slowly."""

    protocol_version = "HTTP/1.1"
    asked: set[str] = set()  # noqa: RUF012 - one server, for this file

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name = request.get("QueueName")
        if name is None:
            self._answer(200, {})
        elif name not in self.asked:
            self.asked.add(name)
            self._answer(400, {"__type": "com.amazonaws.sqs#RequestThrottled", "message": "Rate exceeded"})
        else:
            time.sleep(SECONDS)
            self._answer(200, {"QueueUrl": f"http://127.0.0.1/{ACCOUNT}/{name}"})

    def log_message(self, *_arguments: object) -> None:
        """Nothing."""

    def _answer(self, status: int, content: dict[str, str]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def endpoint() -> Iterator[str]:
    SlowSqs.asked.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), SlowSqs)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_long_work_shows_its_progress_and_outlasts_throttling(endpoint: str, tmp_path: Path) -> None:
    arguments = {
        "queues": [{"name": f"q-{number:02}"} for number in range(QUEUES)],
        "account_id": ACCOUNT,
        "wait": False,
    }
    play = {
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "module_defaults": {"group/ecommerce.sqs.aws": {"endpoint_url": endpoint, "region": "ap-southeast-1"}},
        "tasks": [{"ecommerce.sqs.queues": arguments}],
    }
    (tmp_path / "play.yml").write_text(json.dumps([play]), encoding="utf-8")
    credentials = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_EC2_METADATA_DISABLED": "true"}
    kept = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    process = subprocess.Popen(
        ["ansible-playbook", "-i", "localhost,", "-e", f"ansible_python_interpreter={sys.executable}",
         str(tmp_path / "play.yml")],
        cwd=ROOT, env={**kept, **credentials, "ANSIBLE_NOCOLOR": "1", "PYTHONUNBUFFERED": "1"}, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert process.stdout is not None
    lines = [line.rstrip() for line in process.stdout]
    assert process.wait(timeout=1800) == 0, lines
    shown = [line for line in lines if line.startswith("ecommerce.sqs.queues: change queues: ")]
    assert shown, lines
    assert all(f" of {QUEUES} done" in line for line in shown)
    changed = next(number for number, line in enumerate(lines) if line.startswith("changed: [localhost]"))
    assert lines.index(shown[0]) < changed
