# SPDX-License-Identifier: GPL-3.0-or-later
"""A PostgreSQL server of the tests' own: Debian's binaries, a temporary folder, loopback, an unprivileged user."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

START_SECONDS = 300


class ServerMissingError(Exception):
    """There is no PostgreSQL server on this machine."""


def find_binaries() -> Path:
    """The folder of the newest installed server's programs.

    :raises ServerMissingError: none is installed.
    """
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    on_path = shutil.which("initdb")
    if not found and not on_path:
        raise ServerMissingError("PostgreSQL's server programs are not installed: apt-get install postgresql")
    return (found[-1] if found else Path(str(on_path))).parent


@contextmanager
def server() -> Iterator[str]:
    """Run a server while the context lasts.

    :returns: the URL of its database ``postgres``, whose user may create others.
    """
    binaries = find_binaries()
    # PostgreSQL refuses to run as root.
    user = "nobody" if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="storefront-postgresql-"))
    password = secrets.token_hex(16)
    try:
        password_file = folder / "password"
        password_file.touch(mode=0o600)
        password_file.write_text(password)
        if user:
            account = pwd.getpwnam(user)
            for path in (folder, password_file):
                os.chown(path, account.pw_uid, account.pw_gid)
        data = folder / "data"
        initialise: list[str | Path] = [
            binaries / "initdb",
            "-D",
            data,
            "-U",
            "storefront",
            "--auth=scram-sha-256",
            "--no-sync",
        ]
        initialise += ["--pwfile", password_file, "--encoding=UTF8", "--locale=C"]
        subprocess.run(initialise, user=user, cwd=folder, check=True, capture_output=True, timeout=START_SECONDS)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        # What the tests kill is never the server, so it need not wait for the disk.
        run: list[str | Path] = [
            binaries / "postgres",
            "-D",
            data,
            "-h",
            "127.0.0.1",
            "-p",
            str(port),
            "-k",
            folder,
            "-F",
        ]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(run, user=user, cwd=folder, stdout=log, stderr=log)
        try:
            _wait(process, port, folder / "log")
            yield f"postgresql://storefront:{password}@127.0.0.1:{port}/postgres"
        finally:
            process.send_signal(signal.SIGINT)  # "fast shutdown": open connections are closed
            process.wait(START_SECONDS)
    finally:
        shutil.rmtree(folder)


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while "ready to accept connections" not in log.read_text(errors="replace"):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"PostgreSQL did not start on 127.0.0.1:{port}:\n{log.read_text(errors='replace')}")
        time.sleep(0.05)
