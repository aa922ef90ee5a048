# SPDX-License-Identifier: GPL-3.0-or-later
"""``sqs-worker run``, with real processes on fauxqs."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

from support.command import environment, eventually, free_port, get, run, started
from support.servers import Emulator

from sqs_worker.command.status import totals


def test_a_worker_run_from_env_files(sqs: Emulator, app: Path) -> None:
    url, dead_letters = sqs.with_dead_letters("outside-run")
    address = f"127.0.0.1:{free_port()}"
    (app / ".env").write_text("AWS_REGION=ap-southeast-1\nSQS_WORKER_CONCURRENCY=3\n")
    (app / "w.env").write_text(
        f"SQS_WORKER_NAME=orders\nSQS_WORKER_QUEUE_URL={url}\nSQS_WORKER_DEAD_LETTER_QUEUE_URL={dead_letters}\n"
        f"SQS_WORKER_HANDLER=python:app_handlers:handle\nSQS_WORKER_HEALTH_ADDRESS={address}\nSQS_WORKER_WAIT_TIME=1\n"
    )
    client = sqs.client()
    for body in ("one", "two", "fatal"):
        client.send_message(QueueUrl=url, MessageBody=body)
    command = [sys.executable, "-m", "sqs_worker", "run", "--env-file", ".env", "--env-file", "w.env"]
    with (app / "log").open("w") as log:
        worker = subprocess.Popen(command, cwd=app, env=sqs.environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        eventually(lambda: sqs.depth(url) == (0, 0) and sqs.depth(dead_letters) == (1, 0))
        assert get(address, "/readyz") == (200, "ok\n")
        assert get(address, "/healthz") == (200, "ok\n")
        values = totals(get(address, "/metrics")[1])
        assert (values["received"], values["handled"], values["dead_lettered"], values["in_hand"]) == (3, 2, 1, 0)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(20) == 0
    finally:
        worker.kill()
        worker.wait(10)
    lines = (app / "log").read_text().splitlines()
    assert "handled one" in lines
    records = [json.loads(line) for line in lines if line.startswith("{")]
    (dead,) = (record for record in records if "dead-letter" in record["message"])
    assert dead["worker"] == "orders"
    assert dead["message_id"] in dead["message"]
    assert "FatalError: amount is negative" in dead["message"]


def test_wrong_settings_are_one_clear_list(sqs: Emulator, app: Path) -> None:
    result = run(["run"], app, environment(sqs, handler="nonsense", concurrency="many", colour="blue"))
    assert result.returncode == 2
    assert len(result.stderr.splitlines()) == 4
    assert "Traceback" not in result.stderr
    assert all(line.startswith("sqs-worker: SQS_WORKER_") for line in result.stderr.splitlines())


def test_a_hung_thread_does_not_block_the_exit(sqs: Emulator, app: Path) -> None:
    url, dead_letters = sqs.with_dead_letters("outside-hung")
    env = environment(
        sqs, queue_url=url, dead_letter_queue_url=dead_letters, handler="python:app_handlers:handle", wait_time="1",
        drain_timeout="2",
    )  # fmt: skip
    sqs.client().send_message(QueueUrl=url, MessageBody="sleep 1000")
    with started(app, env) as worker:
        eventually(lambda: sqs.depth(url) == (0, 1))
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(15) == 0
    assert sqs.depth(url) == (1, 0), "given back, visible at once"
