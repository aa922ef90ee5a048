# SPDX-License-Identifier: GPL-3.0-or-later
"""The storefront's programs as they are really run: start, stop, crash, and the whole chain."""

from __future__ import annotations

import contextlib
import random
import socket
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from pathlib import Path

import pytest
import sqlalchemy as sa
from storefront_processes import LIMIT_SECONDS, Program, Shop, environment, free_port, get, post
from storefront_support import CUSTOMER, ITEMS, Aws

from storefront.database import connect, open_outbox
from storefront.order.store import orders

pytestmark = pytest.mark.slow

REQUEST = {"customer": CUSTOMER, "items": ITEMS, "currency": "SGD"}


def env_file(folder: Path, values: dict[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".env").write_text("".join(f"{key}={value}\n" for key, value in values.items()))


def test_a_service_reads_its_env_file_and_ends_cleanly_on_sigterm(aws: Aws, tmp_path: Path) -> None:
    port = free_port()
    env_file(tmp_path, environment(aws, PORT=str(port)))
    with Program(["storefront.order"], {}, tmp_path) as service:
        service.wait_for_health(port)
        order = post(f"http://127.0.0.1:{port}/orders", REQUEST)
        assert service.stop() == 0
    assert (tmp_path / "data/order.sqlite3").exists()
    assert [sent["body"]["order_id"] for sent in aws.receive("order")] == [order["order_id"]]
    assert "Traceback" not in service.text()


def test_a_taken_port_is_told_in_one_line(aws: Aws, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with Program(["storefront.payment"], environment(aws, PORT=str(port)), tmp_path) as service:
            assert service.process.wait(LIMIT_SECONDS) == 1
    (line,) = service.text().splitlines()
    assert line.startswith(f"payment service: PORT={port}: 127.0.0.1:{port} is taken by another process")


def test_missing_settings_are_told_line_by_line(tmp_path: Path) -> None:
    with Program(["storefront.notification"], {}, tmp_path) as service:
        assert service.process.wait(LIMIT_SECONDS) == 1
    assert [line.split(" is not set")[0] for line in service.text().splitlines()] == [
        "notification service: SMTP_HOST",
        "notification service: MAIL_FROM",
    ]


def test_a_crash_between_store_and_send_loses_nothing(database_url: str, aws: Aws, tmp_path: Path) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    variables = environment(aws, PORT=str(port), DATABASE_URL=database_url)
    nowhere = variables | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}"}
    with Program(["storefront.order"], nowhere, tmp_path) as service:
        service.wait_for_health(port)
        placed = {post(f"{url}/orders", REQUEST)["order_id"] for _unused in range(5)}
        service.kill()
    assert aws.receive("order") == []
    with Program(["storefront.order"], variables, tmp_path) as service:
        service.wait_for_health(port)
        assert service.stop() == 0
    assert {sent["body"]["order_id"] for sent in aws.receive("order")} == placed


def test_crashes_at_random_moments_lose_no_order_that_was_answered(database_url: str, aws: Aws, tmp_path: Path) -> None:
    port = free_port()
    variables = environment(aws, PORT=str(port), DATABASE_URL=database_url, OUTBOX_INTERVAL="0.02")
    answered: set[str] = set()
    chance = random.Random(20261125)

    for _unused in range(4):
        last_answer = len(answered) + chance.randint(1, 20)
        with Program(["storefront.order"], variables, tmp_path) as service:
            service.wait_for_health(port)

            def place(_unused: int, service: Program = service, last_answer: int = last_answer) -> None:
                with contextlib.suppress(
                    OSError, HTTPException
                ):  # what a service that is killed leaves its callers with
                    order = post(f"http://127.0.0.1:{port}/orders", REQUEST, {"Idempotency-Key": str(uuid.uuid4())})
                    answered.add(order["order_id"])
                    if len(answered) >= last_answer:
                        service.kill()

            with ThreadPoolExecutor(4) as pool:
                list(pool.map(place, range(40)))
    outbox = open_outbox(connect(database_url))
    deadline = time.monotonic() + LIMIT_SECONDS
    while outbox.pending():
        assert time.monotonic() < deadline
        outbox.relay_once()
    with connect(database_url).begin() as connection:
        stored = set(connection.execute(sa.select(orders.c.order_id)).scalars())
    sent = {message["body"]["order_id"] for message in aws.receive("order")}
    assert len(answered) >= 4
    assert answered <= stored
    assert sent == stored


def test_orders_are_paid_and_mailed_although_the_payment_worker_is_killed(aws: Aws, tmp_path: Path) -> None:
    with Shop(aws, tmp_path) as shop:
        for service in ("order", "payment", "notification"):
            shop.service(service)
        shop.worker("order", consumes="payment")
        shop.worker("notification", consumes="notification")
        demo = ["storefront.demo", "--orders", "30", "--timeout", "150", "--mail-directory", str(shop.maildir)]
        demo += [f"--{service}-url={shop.url(service)}" for service in ("order", "payment", "notification")]
        with Program(demo, {}, tmp_path / "demo") as driver:
            for _unused in range(2):
                worker = shop.worker("payment", consumes="order")
                time.sleep(1.5)
                worker.kill()
            shop.worker("payment", consumes="order")
            assert driver.process.wait(200) == 0, driver.text()
        assert len(list((shop.maildir / "new").iterdir())) == 30
    lines = driver.text().splitlines()
    assert lines[-1] == "demo: 30 orders placed, 30 paid, 30 mailed, 0 lost"
    assert [line.split()[0] for line in lines[1:-1]] == ["order", "payment", "order", "notification"]


def test_inventory_is_told_by_the_order_service(aws: Aws, tmp_path: Path) -> None:
    with Shop(aws, tmp_path) as shop:
        for service in ("order", "inventory"):
            shop.service(service)
        shop.worker("inventory", consumes="inventory")
        for _unused in range(3):
            post(f"{shop.url('order')}/orders", REQUEST)
        deadline = time.monotonic() + LIMIT_SECONDS
        while (reserved := get(f"{shop.url('inventory')}/stock/TEA-1")["reserved"]) < 6:
            assert time.monotonic() < deadline, reserved
            time.sleep(0.1)
        assert reserved == 6
