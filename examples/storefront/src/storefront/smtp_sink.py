# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m storefront.smtp_sink``: a mail server for demonstrations and tests that keeps every mail in a Maildir.

It delivers nothing and listens on loopback only. Recipients under ``.invalid`` (RFC 2606) get a temporary refusal,
so a notification to one of them is retried until SQS moves it to the dead-letter queue.
"""

from __future__ import annotations

import argparse
import asyncio
import ipaddress
import mailbox
import signal
import sys
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

LARGEST_MAIL_BYTES = 1_048_576


class SinkError(Exception):
    """The sink cannot start; the text says why and what helps."""


class Sink:
    """Answers aiosmtpd's hooks."""

    def __init__(self, maildir: mailbox.Maildir) -> None:
        self._maildir = maildir

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Accept a recipient, unless the address is under ``.invalid``."""
        if address.rpartition("@")[2].lower().endswith(".invalid"):
            return "451 4.4.4 no mail server for this domain, try again later"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep a mail: it is in the Maildir before the sender is told so."""
        content = envelope.original_content or b""
        headers = "".join(f"X-Envelope-To: {recipient}\r\n" for recipient in envelope.rcpt_tos)
        await asyncio.to_thread(self._maildir.add, headers.encode() + content)
        return "250 2.0.0 kept"


async def run(host: str, port: int, directory: Path) -> None:
    """Serve until SIGTERM or SIGINT.

    :raises SinkError: the address is not loopback, the port is taken, or the directory cannot be used.
    """
    if not _is_loopback(host):
        raise SinkError(f"--host {host}: the sink listens on loopback addresses only, such as 127.0.0.1")
    if not 0 <= port <= 65535:
        raise SinkError(f"--port {port}: is not a port from 0 to 65535")
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        sink = Sink(mailbox.Maildir(directory))
    except OSError as error:
        raise SinkError(f"--directory {directory}: cannot be used: {error.strerror}") from error
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    try:
        server = await loop.create_server(
            lambda: SMTP(sink, hostname="smtp-sink.localhost", data_size_limit=LARGEST_MAIL_BYTES, loop=loop),
            host,
            port,
        )
    except OSError as error:
        raise SinkError(
            f"--port {port}: {host}:{port} cannot be listened on: {error.strerror}; "
            f"stop what uses it (ss -ltnp 'sport = :{port}' shows it) or choose another port"
        ) from error
    print(f"smtp_sink: listening on {host}:{server.sockets[0].getsockname()[1]}, mails in {directory}", flush=True)
    await stopped.wait()
    server.close()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def main() -> int:
    """Run from the command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m storefront.smtp_sink", description="A mail server that keeps every mail."
    )
    parser.add_argument("--host", default="127.0.0.1", help="loopback address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8025, help="port, 0 for a free one (default: %(default)s)")
    parser.add_argument("--directory", type=Path, required=True, help="Maildir to keep the mails in")
    arguments = parser.parse_args()
    try:
        asyncio.run(run(arguments.host, arguments.port, arguments.directory))
    except SinkError as error:
        print(f"smtp_sink: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
