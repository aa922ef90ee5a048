# SPDX-License-Identifier: GPL-3.0-or-later
"""The soak run: a worker under steady load with failures for as long as asked; its memory must stay flat.

Prints resident memory over time; the exit status is 1 when the last third lies more than 10 % above the second.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

from support.servers import fauxqs

HERE = Path(__file__).resolve().parent

GROWTH_ALLOWED = 1.10


def resident_mb(pid: int) -> float:
    """Resident memory of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def soak(seconds: float) -> bool:
    """Run it; whether memory was flat."""
    with fauxqs() as emulator:
        url, dead_letters = emulator.with_dead_letters("soak", VisibilityTimeout="10")
        client = emulator.client()
        environment = emulator.environment | {
            "SQS_WORKER_QUEUE_URL": url,
            "SQS_WORKER_DEAD_LETTER_QUEUE_URL": dead_letters,
            "SQS_WORKER_HANDLER": "python:soak_handlers:handle",
            "SQS_WORKER_WAIT_TIME": "2",
            "SQS_WORKER_BACKOFF_BASE": "0.5",
            "SQS_WORKER_LOG_LEVEL": "ERROR",
        }
        worker = subprocess.Popen(
            [sys.executable, "-m", "sqs_worker", "run"], cwd=HERE, env=environment, stdout=subprocess.DEVNULL
        )
        samples, sent, began = list[float](), 0, time.monotonic()
        try:
            while time.monotonic() - began < seconds:
                if sum(emulator.depth(url)) < 2000:
                    for _unused in range(50):
                        entries = [{"Id": str(n), "MessageBody": f"{sent + n} {'x' * 1000}"} for n in range(10)]
                        client.send_message_batch(QueueUrl=url, Entries=entries)
                        sent += 10
                samples.append(resident_mb(worker.pid))
                client.purge_queue(QueueUrl=dead_letters)
                time.sleep(0.2)
        finally:
            worker.terminate()
            worker.wait(60)
    third = len(samples) // 3
    middle, last = statistics.median(samples[third : 2 * third]), statistics.median(samples[2 * third :])
    print(f"soak: {sent} messages in {seconds:.0f} s")
    print(
        f"soak: resident memory {samples[0]:.1f} MB at first, {middle:.1f} MB in the middle, {last:.1f} MB at the end"
    )
    return last <= GROWTH_ALLOWED * middle


def main() -> None:
    """Parse arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=1800)
    flat = soak(parser.parse_args().seconds)
    print(f"soak: memory is {'flat' if flat else 'NOT FLAT'}")
    raise SystemExit(0 if flat else 1)


if __name__ == "__main__":
    main()
