# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the hosts of the scenario share, on loopback until SIGTERM: a PostgreSQL server and a mail server.

usage: shared.py DIRECTORY PORT

Mails come to PORT and are kept in DIRECTORY/mails. DIRECTORY/database-url is the server's URL without a database;
there is one for each service.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import psycopg
import storefront_postgresql as postgresql

from storefront import smtp_sink

DATABASES = ("order", "payment", "notification")


def main() -> None:
    """Serve until SIGTERM."""
    directory, port = Path(sys.argv[1]), int(sys.argv[2])
    # The server is ended and its folder removed also when the signal comes before the mail server listens for it.
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(0))
    with postgresql.server() as url:
        with psycopg.connect(url, autocommit=True) as connection:
            for name in DATABASES:
                connection.execute(f'CREATE DATABASE "{name}"')
        noted = directory / "database-url"
        noted.touch(mode=0o600)
        noted.write_text(url.rpartition("/")[0])
        asyncio.run(smtp_sink.run("127.0.0.1", port, directory / "mails"))


if __name__ == "__main__":
    main()
