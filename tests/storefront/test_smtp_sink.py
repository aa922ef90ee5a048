# SPDX-License-Identifier: GPL-3.0-or-later
"""The SMTP sink keeps what it accepts, refuses poison for a while, and is reachable from this machine only."""

from __future__ import annotations

import mailbox
import smtplib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from storefront_processes import LIMIT_SECONDS, Program

MAIL = "Message-ID: <1@shop.example>\r\nX-Order-ID: order-1\r\nSubject: Paid\r\n\r\nThank you.\r\n"


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[Program]:
    arguments = ["storefront.smtp_sink", "--port", "0", "--directory", str(tmp_path / "a/mails")]
    with Program(arguments, {}, tmp_path / "sink") as program:
        yield program
        assert program.stop() == 0
    assert "Traceback" not in program.text()


def connect(sink: Program) -> smtplib.SMTP:
    port = int(sink.wait_for_text("listening on 127.0.0.1:").split("127.0.0.1:")[1].split(",")[0])
    return smtplib.SMTP("127.0.0.1", port, timeout=10)


def test_each_mail_is_kept_as_a_file(sink: Program, tmp_path: Path) -> None:
    with connect(sink) as client:
        for _unused in range(3):
            client.sendmail("shop@storefront.example", ["ada@shop.example"], MAIL)
    kept = list(mailbox.Maildir(tmp_path / "a/mails"))
    assert [(mail["X-Envelope-To"], mail["X-Order-ID"]) for mail in kept] == [("ada@shop.example", "order-1")] * 3
    assert "Thank you." in kept[0].as_string()


@pytest.mark.parametrize("address", ["ada@shop.invalid", "ada@SHOP.INVALID"])
def test_a_recipient_under_invalid_is_refused_for_now(sink: Program, tmp_path: Path, address: str) -> None:
    with connect(sink) as client, pytest.raises(smtplib.SMTPRecipientsRefused) as error:
        client.sendmail("shop@storefront.example", [address], MAIL)
    assert error.value.recipients[address][0] == 451
    assert len(mailbox.Maildir(tmp_path / "a/mails")) == 0


def test_an_open_session_does_not_keep_the_sink_alive(sink: Program) -> None:
    client = connect(sink)
    client.ehlo()
    assert sink.stop() == 0
    client.close()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--host", "0.0.0.0"], "--host 0.0.0.0: the sink listens on loopback addresses only"),
        (["--host", "everywhere"], "--host everywhere: the sink listens on loopback"),
        (["--port", "70000"], "--port 70000: is not a port"),
    ],
)
def test_what_cannot_be_listened_on_is_told_in_one_line(tmp_path: Path, arguments: list[str], reason: str) -> None:
    assert refusal(tmp_path, arguments).startswith(f"smtp_sink: {reason}")


def test_a_taken_port_is_told_with_the_way_out(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        text = refusal(tmp_path, ["--port", str(port)])
    assert text.startswith(f"smtp_sink: --port {port}: 127.0.0.1:{port} cannot be listened on: ")
    assert "choose another port" in text


def refusal(folder: Path, arguments: list[str]) -> str:
    command = ["storefront.smtp_sink", "--directory", str(folder / "mails"), *arguments]
    with Program(command, {}, folder / "sink") as program:
        assert program.process.wait(LIMIT_SECONDS) == 1
    (line,) = program.text().splitlines()
    return line
