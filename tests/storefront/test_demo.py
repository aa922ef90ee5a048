# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo driver tells the truth: about services that are away, orders that get stuck, and mails that come twice."""

from __future__ import annotations

import json
import mailbox
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from storefront_processes import free_port

from storefront import demo


class Shop(ThreadingHTTPServer):
    """All three services in one, which do what the test says."""

    def __init__(self, maildir: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.maildir = mailbox.Maildir(maildir)
        self.orders: list[str] = []
        self.unpaid: set[int] = set()
        self.mails_of_each = 1
        self.refuse_once = False
        self.failing_looks = 0
        self.keys: list[str] = []
        self.lock = threading.Lock()

    def place(self, key: str) -> str:
        with self.lock:
            self.keys.append(key)
            self.orders.append(f"order-{len(self.orders)}")
            order_id = self.orders[-1]
            for _unused in range(self.mails_of_each):
                self.maildir.add(f"X-Order-ID: {order_id}\n\n".encode())
        return order_id


class _Answers(BaseHTTPRequestHandler):
    server: Shop

    def do_GET(self) -> None:
        _unused, kind, *rest = self.path.split("/")
        number = int(rest[0].split("-")[1]) if rest else -1
        if kind == "healthz":
            self.answer(200, {"status": "ok"})
        elif kind == "orders" and self.server.failing_looks:
            self.server.failing_looks -= 1
            self.answer(500, {})
        elif kind == "orders":
            self.answer(200, {"status": "pending" if number in self.server.unpaid else "paid"})
        elif kind == "payments":
            self.answer(404 if number in self.server.unpaid else 200, {"status": "captured"})
        else:
            self.answer(200, {"notifications": [{"channel": "email", "status": "sent"}]})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.refuse_once:
            self.server.refuse_once = False
            self.answer(503, {})
            return
        self.answer(201, {"order_id": self.server.place(self.headers["Idempotency-Key"])})

    def answer(self, status: int, document: object) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    server = Shop(tmp_path / "mails")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def run(shop: Shop, tmp_path: Path, *arguments: str) -> int:
    url = f"http://127.0.0.1:{shop.server_address[1]}"
    urls = [f"--{service}-url={url}" for service in ("order", "payment", "notification")]
    return demo.main([*urls, "--mail-directory", str(tmp_path / "mails"), "--timeout", "1", *arguments])


def test_all_is_well(shop: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shop.maildir.add(b"X-Order-ID: order-0\n\n")  # left by an earlier run
    assert run(shop, tmp_path, "--orders", "12") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "demo: 12 orders placed, 12 paid, 12 mailed, 0 lost"
    assert len(lines) == 6
    assert len(set(shop.keys)) == 12


def test_an_order_that_gets_stuck_is_lost_and_named(
    shop: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.unpaid = {2}
    assert run(shop, tmp_path, "--orders", "5") == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "demo: 5 orders placed, 4 paid, 5 mailed, 1 lost"
    assert lines[-2] == "order order-2: no payment in the payment service, not marked paid in the order service"


def test_a_second_mail_is_a_failure(shop: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shop.mails_of_each = 2
    assert run(shop, tmp_path, "--orders", "3") == 1
    assert "3 orders got more than one mail" in capsys.readouterr().out


def test_a_service_that_is_busy_is_asked_again(shop: Shop, tmp_path: Path) -> None:
    shop.refuse_once = True
    assert run(shop, tmp_path, "--orders", "2") == 0
    assert len(shop.orders) == 2


def test_a_service_that_fails_for_a_while_is_asked_until_it_answers(shop: Shop, tmp_path: Path) -> None:
    shop.failing_looks = 2
    assert run(shop, tmp_path, "--orders", "2", "--timeout", "20") == 0


def test_a_service_that_keeps_failing_is_named_with_the_orders(
    shop: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.failing_looks = 1_000_000
    assert run(shop, tmp_path, "--orders", "2") == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "demo: 2 orders placed, 0 paid, 2 mailed, 2 lost"
    for order, line in zip(("order-0", "order-1"), sorted(lines[-3:-1]), strict=True):
        assert line.startswith(f"order {order}: not marked paid in the order service, the order service at http://")
        assert f"/orders/{order} answers 500" in line


def test_a_service_that_does_not_answer_is_named_with_the_way_out(
    shop: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    port = free_port()
    assert run(shop, tmp_path, f"--payment-url=http://127.0.0.1:{port}") == 1
    message = capsys.readouterr().err
    assert message.startswith(f"demo: the payment service at http://127.0.0.1:{port}/healthz does not answer: ")
    assert "--payment-url" in message
    assert shop.orders == []


def test_a_mail_directory_that_is_none_is_named(shop: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(shop, tmp_path, "--mail-directory", str(tmp_path / "nothing")) == 1
    assert "is not a Maildir" in capsys.readouterr().err


@pytest.mark.parametrize("number", ["0", "-1", "many", "1000000"])
def test_a_number_of_orders_that_makes_no_sense_is_refused(number: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        demo.main(["--orders", number])
    assert f"{number} is not a number from 1 to 100000" in capsys.readouterr().err
