# SPDX-License-Identifier: GPL-3.0-or-later
"""The chaos run: orders flow while workers are killed and the endpoint misbehaves; afterwards the books must balance.

``--orders 10000`` is the full run. Prints the figures; the exit status is 1 when a figure is wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import shop
import sqlalchemy as sa
from faultproxy import FaultProxy
from support.servers import Emulator, fauxqs

from sqs_worker.idempotency.sql import SqlStore
from sqs_worker.outbox import Outbox

HERE = Path(__file__).resolve().parent
RATES = {
    "throttle": 0.02,
    "500": 0.02,
    "reset before": 0.01,
    "reset after": 0.01,
    "half": 0.005,
    "stall": 0.005,
    "duplicate": 0.05,
}
VISIBILITY = "15"
POISON_EVERY = 100


class Shop:
    """Queues, database and worker processes of one run."""

    def __init__(self, emulator: Emulator, endpoint: str, folder: Path, seed: int) -> None:
        self.emulator = emulator
        self.kills = 0
        self._folder = folder
        self._random = random.Random(seed)
        self.database = shop.database(f"{folder}/shop.db")
        shop.metadata.create_all(self.database)
        SqlStore(self.database).create_table()
        Outbox(self.database).create_table()
        # Twelve receives, not three: here a message's worker may be killed again and again within a minute.
        self.orders, self.dead_orders = emulator.with_dead_letters(
            "orders", max_receive_count=12, VisibilityTimeout=VISIBILITY
        )
        self.mails, self.dead_mails = emulator.with_dead_letters(
            "mails", max_receive_count=12, VisibilityTimeout=VISIBILITY
        )
        self.events, self.dead_events = emulator.with_dead_letters(
            "events.fifo", max_receive_count=12, VisibilityTimeout=VISIBILITY
        )
        self._environment = emulator.environment | {
            "AWS_ENDPOINT_URL": endpoint,
            "CHAOS_DATABASE": f"{folder}/shop.db",
            "CHAOS_EVENTS_URL": self.events,
            "CHAOS_MAILS_URL": self.mails,
            "SQS_WORKER_WAIT_TIME": "2",
            "SQS_WORKER_CONCURRENCY": "10",
            "SQS_WORKER_DEADLINE": "10",
            "SQS_WORKER_BACKOFF_BASE": "0.5",
            "SQS_WORKER_BACKOFF_MAX": "5",
        }
        kinds = [("pay", self.orders, self.dead_orders), ("record", self.events, self.dead_events),
                 ("mail", self.mails, self.dead_mails)]  # fmt: skip
        self._specs = [kind for kind in kinds for _unused in range(2)]
        self.workers = [self._start(index) for index in range(len(self._specs))]

    def _start(self, index: int) -> subprocess.Popen[bytes]:
        handler, url, dead_letters = self._specs[index]
        environment = self._environment | {
            "SQS_WORKER_NAME": f"{handler}-{index}",
            "SQS_WORKER_QUEUE_URL": url,
            "SQS_WORKER_DEAD_LETTER_QUEUE_URL": dead_letters,
            "SQS_WORKER_HANDLER": f"python:shop:{handler}",
            **({"CHAOS_RELAY": "1"} if handler == "pay" else {}),
        }
        with (self._folder / f"{handler}-{index}.log").open("ab") as log:
            command = [sys.executable, "-m", "sqs_worker", "run"]
            return subprocess.Popen(command, cwd=HERE, env=environment, stdout=log, stderr=subprocess.STDOUT)

    def kill_one(self) -> None:
        """SIGKILL a worker at random and start it anew."""
        index = self._random.randrange(len(self.workers))
        self.workers[index].kill()
        self.workers[index].wait()
        self.workers[index] = self._start(index)
        self.kills += 1

    def stop(self) -> None:
        """End the workers."""
        for worker in self.workers:
            worker.terminate()
        for worker in self.workers:
            try:
                worker.wait(20)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()

    def send(self, orders: int) -> int:
        """Send the orders, one in POISON_EVERY unreadable or fatal; returns how many are poison."""
        client, poison = self.emulator.client(), 0
        for start in range(0, orders, 10):
            entries = []
            for number in range(start, min(orders, start + 10)):
                poison += number % POISON_EVERY == 0
                entries.append({"Id": str(number), "MessageBody": _body(number)})
            client.send_message_batch(QueueUrl=self.orders, Entries=entries)
        return poison

    def settled(self) -> bool:
        """Whether all queues and the outbox are empty."""
        if Outbox(self.database).pending():
            return False
        return all(self.emulator.depth(url) == (0, 0) for url in (self.orders, self.events, self.mails))


def _body(number: int) -> str:
    """The message of an order; of the poison ones, half are fatal and half unreadable."""
    if number % POISON_EVERY:
        return json.dumps({"id": number, "amount": 10})
    return json.dumps({"id": number, "amount": -1}) if number % (2 * POISON_EVERY) else f"{{order {number}"


def balance(run: Shop, orders: int) -> dict[str, Any]:
    """The figures, from the database and the dead-letter queues."""
    with run.database.connect() as connection:
        paid = Counter(connection.execute(sa.select(shop.payments.c.order)).scalars())
        mailed = Counter(connection.execute(sa.select(shop.mails.c.order)).scalars())
        rows = connection.execute(
            sa.select(shop.events.c.group, shop.events.c.payment).order_by(shop.events.c.id)
        ).all()
    by_group: dict[str, list[int]] = {}
    for row in rows:
        by_group.setdefault(row[0], []).append(row[1])
    client, dead, strangers = run.emulator.client(), Counter[str](), 0
    poison = {_body(number) for number in range(0, orders, POISON_EVERY)}
    while messages := client.receive_message(
        QueueUrl=run.dead_orders, MaxNumberOfMessages=10, MessageAttributeNames=["All"], VisibilityTimeout=600
    ).get("Messages"):
        for message in messages:
            reason = message.get("MessageAttributes", {}).get("DeadLetterReason", {}).get("StringValue", "none")
            if message["Body"] in poison and reason.startswith("FatalError"):
                dead[message["Body"]] += 1
            else:
                strangers += 1
    good = {number for number in range(orders) if number % POISON_EVERY}
    return {
        "orders": orders,
        "paid exactly once": sum(1 for number in good if paid[number] == 1),
        "paid twice": sum(1 for count in paid.values() if count > 1),
        "lost": len(good - set(paid)),
        "events in order": sum(len(group) for group in by_group.values() if group == sorted(group)),
        "mails": len(mailed),
        "mails sent twice": sum(1 for count in mailed.values() if count > 1),
        "poison dead-lettered with its reason": len(dead),
        # A worker killed between the copy's arrival and the delete leaves a second copy: at least once, never none.
        "second copies of dead letters": dead.total() - len(dead),
        "other dead letters": strangers
        + sum(sum(run.emulator.depth(url)) for url in (run.dead_events, run.dead_mails)),
    }


async def chaos(orders: int, seed: int, limit: float, kill_every: float) -> bool:
    """Run it; whether the books balance."""
    with fauxqs() as emulator, tempfile.TemporaryDirectory(prefix="sqs-chaos-") as name:
        proxy = FaultProxy(emulator.endpoint, dict(RATES), seed)
        endpoint = await proxy.start()
        run = await asyncio.to_thread(Shop, emulator, endpoint, Path(name), seed)
        began = time.monotonic()
        try:
            sending = asyncio.create_task(asyncio.to_thread(run.send, orders))
            outage = asyncio.create_task(outages(proxy))
            poison = None
            while time.monotonic() - began < limit:
                await asyncio.sleep(kill_every * random.Random(seed + run.kills).uniform(0.5, 1.5))
                if sending.done():
                    poison = sending.result()
                    if await asyncio.to_thread(run.settled):
                        break
                await asyncio.to_thread(run.kill_one)
            outage.cancel()
            seconds = time.monotonic() - began
            figures = await asyncio.to_thread(balance, run, orders)
        finally:
            await asyncio.to_thread(run.stop)
            if os.environ.get("CHAOS_LOGS"):
                for log in Path(name).glob("*.log"):
                    (Path(os.environ["CHAOS_LOGS"]) / log.name).write_bytes(log.read_bytes())
            await proxy.stop()
    good = orders - (poison or 0)
    figures |= {"SIGKILLs": run.kills, "faults": dict(proxy.faults), "seconds": round(seconds)}
    for figure, value in figures.items():
        print(f"chaos: {figure}: {value}")
    return bool(
        figures["paid exactly once"] == figures["events in order"] == figures["mails"] == good
        and figures["paid twice"]
        == figures["mails sent twice"]
        == figures["lost"]
        == figures["other dead letters"]
        == 0
        and figures["poison dead-lettered with its reason"] == poison
    )


async def outages(proxy: FaultProxy) -> None:
    """Every twenty seconds, the endpoint is gone for four."""
    while True:
        await asyncio.sleep(20)
        proxy.down = True
        await asyncio.sleep(4)
        proxy.down = False


def main() -> None:
    """Parse arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit", type=float, default=1200, help="seconds before the run is given up")
    parser.add_argument("--kill-every", type=float, default=3.0, help="mean seconds between two SIGKILLs")
    options = parser.parse_args()
    balanced = asyncio.run(chaos(options.orders, options.seed, options.limit, options.kill_every))
    print(f"chaos: {'nothing lost, nothing done twice' if balanced else 'THE BOOKS DO NOT BALANCE'}")
    raise SystemExit(0 if balanced else 1)


if __name__ == "__main__":
    main()
