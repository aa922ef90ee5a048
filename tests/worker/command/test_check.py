# SPDX-License-Identifier: GPL-3.0-or-later
"""``sqs-worker check``, with real processes on fauxqs."""

from __future__ import annotations

import json
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from support.command import environment, free_port, run
from support.servers import Emulator


def test_check_finds_a_working_setup_in_order(sqs: Emulator, app: Path) -> None:
    url, dead_letters = sqs.with_dead_letters("outside-check", VisibilityTimeout="60")
    sqs.client().send_message(QueueUrl=url, MessageBody="untouched")
    env = environment(
        sqs, queue_url=url, dead_letter_queue_url=dead_letters, handler="python:app_handlers:handle", deadline="50"
    )
    result = run(["check"], app, env)
    assert result.returncode == 0, result.stdout
    assert "FAILED" not in result.stdout
    assert sqs.depth(url) == (1, 0), "nothing was received"
    assert sqs.depth(dead_letters) == (0, 0), "nothing was sent"


def test_check_names_everything_that_is_broken_with_its_remedy(sqs: Emulator, app: Path) -> None:
    url = sqs.queue("outside-broken", VisibilityTimeout="10")
    env = environment(sqs, queue_url=url, handler="python:app_handlers:missing", deadline="60")
    result = run(["check"], app, env)
    assert result.returncode == 1
    assert re.search(r"FAILED  handler: .*has no attribute 'missing'", result.stdout)
    assert "FAILED  deadline: SQS_WORKER_DEADLINE 60 s is not below the visibility timeout of 10 s" in result.stdout
    assert "FAILED  dead-letter queue: the queue has no redrive policy" in result.stdout
    assert result.stdout.count("remedy:") == 3


def test_check_names_a_missing_queue_and_a_dead_endpoint(sqs: Emulator, app: Path) -> None:
    env = environment(sqs, queue_url=sqs.queue("outside-gone") + "-not", handler="python:app_handlers:handle")
    result = run(["check"], app, env)
    assert result.returncode == 1
    assert "remedy: create the queue, or correct its URL" in result.stdout
    result = run(["check"], app, env | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}"})
    assert result.returncode == 1
    assert "remedy: see that the endpoint is reachable" in result.stdout


def test_check_names_a_missing_permission(app: Path) -> None:
    class Denying(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            denied = not self.headers["X-Amz-Target"].endswith("GetQueueAttributes")
            refusal = {"__type": "com.amazon.coral.service#AccessDeniedException", "message": "not allowed"}
            attributes = {"VisibilityTimeout": "30", "RedrivePolicy": '{"maxReceiveCount": 3}'}
            body = refusal if denied else {"Attributes": attributes}
            self.send_response(400 if denied else 200)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_arguments: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Denying)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        endpoint = f"http://127.0.0.1:{server.server_port}"
        env = environment(
            Emulator(endpoint), queue_url=f"{endpoint}/1/q", dead_letter_queue_url=f"{endpoint}/1/d",
            handler="python:app_handlers:handle",
        )  # fmt: skip
        result = run(["check"], app, env)
    finally:
        server.shutdown()
        server.server_close()
    for action in ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:SendMessage"):
        assert f"remedy: allow {action} on this queue in the policy of the instance's role" in result.stdout
