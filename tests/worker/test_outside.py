# SPDX-License-Identifier: GPL-3.0-or-later
"""What is seen from outside: the command, health, metrics, logs, on fauxqs with real processes."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from support.servers import Emulator

from sqs_worker import Message
from sqs_worker.command.status import totals
from sqs_worker.observe import logs
from sqs_worker.observe.emf import EmfWriter
from sqs_worker.observe.metrics import Metrics
from sqs_worker.run.acknowledger import REASON_ATTRIBUTE

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
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def app(tmp_path: Path) -> Path:
    (tmp_path / "app_handlers.py").write_text(HANDLERS)
    return tmp_path


def environment(sqs: Emulator, **settings: str) -> dict[str, str]:
    return sqs.environment | {f"SQS_WORKER_{name.upper()}": value for name, value in settings.items()}


def run(command: list[str], app: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sqs_worker", *command],
        check=False,
        cwd=app,
        env=env,
        text=True,
        capture_output=True,
        timeout=60,
    )


@contextmanager
def started(app: Path, env: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
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
    try:
        with urllib.request.urlopen(f"http://{address}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError as error:
        return 0, str(error)


def eventually(condition: Any, seconds: float = 30.0) -> Any:
    give_up_at = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < give_up_at, "still not so"
        time.sleep(0.05)
    return result


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


def test_a_taken_health_port_is_named(sqs: Emulator, app: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        env = environment(
            sqs, queue_url=sqs.queue("outside-taken"), handler="python:app_handlers:handle", health_address=address
        )
        result = run(["run"], app, env)
    assert result.returncode == 2
    assert f"SQS_WORKER_HEALTH_ADDRESS: {address}: Address already in use" in result.stderr


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


def test_status_shows_queue_and_worker(sqs: Emulator, app: Path) -> None:
    url, dead_letters = sqs.with_dead_letters("outside-status")
    address = f"127.0.0.1:{free_port()}"
    env = environment(
        sqs, queue_url=url, dead_letter_queue_url=dead_letters, handler="python:app_handlers:handle",
        health_address=address, wait_time="1",
    )  # fmt: skip
    result = run(["status", "--once"], app, env)
    assert f"worker: nothing answers on {address}" in result.stdout
    sqs.client().send_message(QueueUrl=url, MessageBody="x")
    with started(app, env):
        eventually(lambda: get(address, "/readyz")[0] == 200 and sqs.depth(url) == (0, 0))
        result = run(["status", "--once"], app, env)
    assert "queue outside-status: 0 visible, 0 in flight, 0 delayed" in result.stdout
    assert "worker: ready" in result.stdout
    assert re.search(r"handled +1\n", result.stdout)


def test_replay_moves_the_chosen_and_leaves_the_rest(sqs: Emulator, app: Path) -> None:
    url, dead_letters = sqs.with_dead_letters("outside-replay")
    client = sqs.client()
    for number in range(25):
        reason = "ValueError: price" if number % 5 == 0 else "ValueError: customer"
        client.send_message(
            QueueUrl=dead_letters, MessageBody=str(number),
            MessageAttributes={REASON_ATTRIBUTE: {"DataType": "String", "StringValue": reason},
                               "kind": {"DataType": "String", "StringValue": "order"}},
        )  # fmt: skip
    env = environment(sqs, queue_url=url, dead_letter_queue_url=dead_letters, handler="python:app_handlers:handle")
    result = run(["replay", "--dry-run", "--reason", "price"], app, env)
    assert "5 of 25 messages would be replayed" in result.stdout
    assert (sqs.depth(dead_letters), sqs.depth(url)) == ((25, 0), (0, 0))
    result = run(["replay", "--reason", "price"], app, env)
    assert "5 of 25 messages replayed" in result.stdout
    assert (sqs.depth(dead_letters), sqs.depth(url)) == ((20, 0), (5, 0))
    result = run(["replay", "--max", "3"], app, env)
    assert result.stdout.splitlines()[-1].startswith("3 of ")
    assert (sqs.depth(dead_letters), sqs.depth(url)) == ((17, 0), (8, 0))
    messages = client.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"])["Messages"]
    assert all(set(message["MessageAttributes"]) == {"kind"} for message in messages)


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


def test_systemd_is_told_ready_watchdog_and_stopping(sqs: Emulator, app: Path) -> None:
    path = app / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(str(path))
        channel.settimeout(20)
        url = sqs.queue("outside-notify")
        env = environment(sqs, queue_url=url, handler="python:app_handlers:handle", wait_time="1")
        with started(app, env | {"NOTIFY_SOCKET": str(path)}) as worker:
            said = [channel.recv(1000).decode() for _unused in range(4)]
            worker.send_signal(signal.SIGTERM)
            while not said[-1].startswith("STOPPING=1"):
                said.append(channel.recv(1000).decode())
    assert said[0].startswith("READY=1")
    assert said.count("WATCHDOG=1") >= 2


def test_readiness_is_lost_with_the_endpoint(app: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    endpoint = f"http://127.0.0.1:{free_port()}"
    env = environment(
        Emulator(endpoint), queue_url=f"{endpoint}/1/q", handler="python:app_handlers:handle", health_address=address
    )
    with started(app, env):
        status, text = eventually(lambda: (answer := get(address, "/readyz"))[0] and answer)
        assert status == 503
        assert "did not answer" in text
        assert get(address, "/healthz")[0] == 200, "a restart would not help"


def test_telemetry_is_exported_over_otlp(sqs: Emulator, app: Path) -> None:
    seen: dict[str, bytes] = {}

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            seen[self.path] = seen.get(self.path, b"") + self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_arguments: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        url = sqs.queue("outside-otlp")
        env = environment(sqs, name="otlp-worker", queue_url=url, handler="python:app_handlers:handle", wait_time="1")
        env |= {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{server.server_port}",
            "OTEL_EXPORTER_OTLP_COMPRESSION": "none",
        }
        sqs.client().send_message(QueueUrl=url, MessageBody="x")
        with started(app, env) as worker:
            eventually(lambda: sqs.depth(url) == (0, 0))
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(30) == 0
    finally:
        server.shutdown()
        server.server_close()
    assert b"process outside-otlp" in seen["/v1/traces"]
    assert b"sqs_worker.handled" in seen["/v1/metrics"]
    assert b"otlp-worker" in seen["/v1/metrics"]


def test_embedded_metrics_are_differences_of_counters() -> None:
    metrics = Metrics("w", "https://sqs.example/1/orders")
    writer = EmfWriter("Shop", metrics)
    metrics.handled.inc(3)
    first = writer.line(1_700_000_000.5)
    metrics.handled.inc(2)
    second = writer.line(1_700_000_060.5)
    assert (first["handled_total"], second["handled_total"]) == (3, 2)
    (directive,) = first["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "Shop"
    assert directive["Dimensions"] == [["queue", "worker"]]
    assert {metric["Name"] for metric in directive["Metrics"]} <= set(first)
    assert (first["queue"], first["worker"], first["_aws"]["Timestamp"]) == ("orders", "w", 1_700_000_000_500)


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
