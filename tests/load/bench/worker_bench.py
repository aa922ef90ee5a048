# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures the worker beside sqs-consumer and a bare boto3 loop, on one emulator, in one run.

Prints tables and then one line a figure, ``bench NAME VALUE``.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from support.servers import Emulator, fauxqs

from checkout import ROOT

CONTENDERS = Path(__file__).resolve().parent / "contenders"

BODY = "x" * 1000
OURS = ("ours", [sys.executable, str(CONTENDERS / "ours.py")], ["100", "noop"])
BOTO3: tuple[str, list[str], list[str]] = ("boto3 loop", [sys.executable, str(CONTENDERS / "boto3_loop.py")], [])
CONSUMER = ["node", str(ROOT / "tests/worker/sqs-consumer.mjs")]
CONSUMER_1 = ("sqs-consumer x1", CONSUMER, ["1"])
CONSUMER_8 = ("sqs-consumer x8", CONSUMER, ["8"])


def fill(emulator: Emulator, url: str, count: int, body: str = BODY) -> None:
    """Send ``count`` messages."""
    client = emulator.client()
    for start in range(0, count, 10):
        entries = [{"Id": str(n), "MessageBody": body} for n in range(min(10, count - start))]
        client.send_message_batch(QueueUrl=url, Entries=entries)


def measure(emulator: Emulator, contender: tuple[str, list[str], list[str]], count: int) -> dict[str, Any]:
    """Let a contender consume ``count`` messages of a queue of its own."""
    name, command, arguments = contender
    url = emulator.queue(f"bench-{len(emulator.calls())}-{name.replace(' ', '-')}-{count}", VisibilityTimeout="60")
    fill(emulator, url, count)
    before = emulator.calls()
    process = subprocess.run(
        [*command, url, str(count), *arguments],
        env=emulator.environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=300, check=True,
    )  # fmt: skip
    report = json.loads(process.stderr.strip().splitlines()[-1])
    calls = {name: value - before.get(name, 0) for name, value in emulator.calls().items()}
    return {
        "name": name,
        "throughput": report["messages"] / report["seconds"],
        "cpu": 1000 * report["cpu"] / report["messages"],
        "calls": sum(calls.values()) / report["messages"],
        "memory": report.get("memory_mb"),
    }


def rounds(emulator: Emulator, contenders: Sequence[Any], count: int, repeat: int) -> dict[str, dict[str, float]]:
    """Medians of several rounds; contenders take turns, so that what else the machine does meets all of them."""
    results: dict[str, list[dict[str, Any]]] = {contender[0]: [] for contender in contenders}
    for _unused in range(repeat):
        for contender in contenders:
            results[contender[0]].append(measure(emulator, contender, count))
    return {
        name: {key: statistics.median(run[key] for run in runs) for key in ("throughput", "cpu", "calls")}
        for name, runs in results.items()
    }


def table(title: str, results: dict[str, dict[str, float]]) -> None:
    """Print results, each as a ratio to ours too."""
    ours = results["ours"]
    print(f"\n{title}")
    print(f"| {'worker':<16} | msg/s | ours is | CPU ms/msg | ours is | calls/msg |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, run in results.items():
        print(
            f"| {name:<16} | {run['throughput']:,.0f} | {ours['throughput'] / run['throughput']:.2f}x"
            f" | {run['cpu']:.3f} | {ours['cpu'] / run['cpu']:.2f}x | {run['calls']:.3f} |"
        )


def http_stacks(emulator: Emulator) -> None:
    """Print what a call costs by each candidate."""
    url = emulator.queue("stacks", VisibilityTimeout="0")
    fill(emulator, url, 10)
    run = subprocess.run(
        [sys.executable, str(CONTENDERS / "http_stacks.py"), url],
        env=emulator.environment, stderr=subprocess.PIPE, text=True, timeout=120, check=True,
    )  # fmt: skip
    stacks = json.loads(run.stderr.strip().splitlines()[-1])
    floor = stacks["boto3 (botocore's client)"][0]
    print("\nOne ReceiveMessage of ten 1 kB messages, by HTTP stack (asynchronous ones 8 at a time)")
    print("| stack | CPU ms/call | of boto3's | wall ms/call |\n| --- | --- | --- | --- |")
    for name, (cpu, wall) in stacks.items():
        print(f"| {name} | {cpu:.3f} | {cpu / floor:.2f} | {wall:.3f} |")


def start_worker(emulator: Emulator, url: str, **settings: str) -> subprocess.Popen[str]:
    """The worker's command, with a handler of ``contenders/handlers.py``."""
    environment = emulator.environment | {
        "SQS_WORKER_QUEUE_URL": url,
        **{f"SQS_WORKER_{name.upper()}": value for name, value in settings.items()},
    }
    command = [sys.executable, "-m", "sqs_worker", "run"]
    return subprocess.Popen(
        command, env=environment, cwd=CONTENDERS, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )


def idle_requests_per_hour(emulator: Emulator, seconds: float = 61.0) -> float:
    """Requests of an idle worker, counted over three long polls."""
    worker = start_worker(emulator, emulator.queue("idle"), handler="python:handlers:noop")
    try:
        time.sleep(5)
        before, began = sum(emulator.calls().values()), time.monotonic()
        time.sleep(seconds)
        polls = sum(emulator.calls().values()) - before
        return polls / round((time.monotonic() - began) / 20) / 20 * 3600
    finally:
        worker.terminate()
        worker.communicate(timeout=60)


def latency(emulator: Emulator, count: int = 100) -> tuple[float, float]:
    """Milliseconds from just before the send to the handler, median and 99th percentile, at 20 messages a second."""
    url, before = emulator.queue("latency"), emulator.calls().get("ReceiveMessage", 0)
    worker = start_worker(emulator, url, handler="python:handlers:timestamp", wait_time="2")
    client = emulator.client()
    while not emulator.calls().get("ReceiveMessage", 0) > before:
        time.sleep(0.1)
    for _unused in range(count):
        time.sleep(0.05)
        client.send_message(QueueUrl=url, MessageBody=str(time.time()))
    time.sleep(1)
    worker.terminate()
    output, _unused = worker.communicate(timeout=60)
    values = sorted(float(line.removeprefix("latency ")) for line in output.splitlines() if line.startswith("latency "))
    return 1000 * statistics.median(values), 1000 * values[int(0.99 * len(values))]


def drain_seconds(emulator: Emulator, repeat: int = 5) -> list[float]:
    """Seconds from SIGTERM to the exit, under full load, with handlers of 50 ms."""
    url = emulator.queue("drain")
    fill(emulator, url, 4000)
    taken = []
    for _unused in range(repeat):
        worker = start_worker(emulator, url, handler="python:handlers:short", concurrency="20", wait_time="1")
        time.sleep(2.5)
        began = time.monotonic()
        worker.terminate()
        worker.communicate(timeout=60)
        taken.append(time.monotonic() - began)
    return taken


def memory_in_flight(emulator: Emulator) -> tuple[float, float]:
    """Megabytes of a worker with 10 and with 1,000 messages of 1 kB in flight."""
    sizes = []
    for count in (10, 1000):
        url = emulator.queue(f"memory-{count}", VisibilityTimeout="300")
        fill(emulator, url, count)
        settings = {"handler": "python:handlers:forever", "concurrency": str(count), "drain_timeout": "0"}
        worker = start_worker(emulator, url, prefetch="0", max_pollers="10", wait_time="1", **settings)
        give_up_at = time.monotonic() + 60
        while emulator.depth(url)[1] < count and time.monotonic() < give_up_at:
            time.sleep(0.5)
        status = Path(f"/proc/{worker.pid}/status").read_text()
        sizes.append(int(status.partition("VmRSS:")[2].split()[0]) / 1024)
        worker.terminate()
        worker.communicate(timeout=60)
    return sizes[0], sizes[1]


def main() -> None:
    """Run everything."""
    with fauxqs() as emulator:
        saturated = rounds(emulator, [OURS, BOTO3, CONSUMER_1, CONSUMER_8], 8000, 3)
    table("Saturation, no-op handler, 1 kB", saturated)
    with fauxqs(delay_ms=10) as emulator:
        distant = rounds(emulator, [OURS, CONSUMER_1, CONSUMER_8], 3000, 1)
    table("The same with 10 ms added to each call", distant)
    with fauxqs() as emulator:
        http_stacks(emulator)
        median, late = latency(emulator)
        drains = drain_seconds(emulator)
        small, large = memory_in_flight(emulator)
        idle = idle_requests_per_hour(emulator)
    print("\n| figure | value |\n| --- | --- |")
    print(f"| latency from send to handler, 20 msg/s | median {median:.1f} ms, 99th percentile {late:.1f} ms |")
    print(
        f"| drain under full load, 50 ms handlers | median {statistics.median(drains):.2f} s, max {max(drains):.2f} s |"
    )
    print(f"| memory, 10 messages in flight | {small:.0f} MB |")
    print(f"| memory, 1,000 messages in flight | {large:.0f} MB |")
    best = max(run["throughput"] for name, run in saturated.items() if name.startswith("sqs-consumer"))
    print()
    print(f"bench worker-calls-per-message {saturated['ours']['calls']:.3f}")
    print(f"bench worker-cpu-vs-boto3 {saturated['ours']['cpu'] / saturated['boto3 loop']['cpu']:.2f}")
    print(f"bench worker-throughput-vs-sqs-consumer {saturated['ours']['throughput'] / best:.2f}")
    print(f"bench worker-idle-requests-per-hour {idle:.0f}")


if __name__ == "__main__":
    main()
