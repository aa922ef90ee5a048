# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""A program that listens on a loopback port: is it up, is it ours, start it, stop it.

The process is known by a record (process ID and start time) in a directory of its own, so that a port taken by
a stranger, or a process ID used again, is never mistaken for it.
"""

from __future__ import annotations

import ipaddress
import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import HostError
from .process import start_time

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

HIGHEST_PORT = 65535

# The server notes itself before it becomes the program: whoever starts it may be killed at any moment, and a server
# that listens without a record would be a stranger to the next run.
RECORD_AND_RUN = """
import json, os, sys
record, port, *argv = sys.argv[1:]
with open("/proc/self/stat") as stat:
    start_time = stat.read().rpartition(")")[2].split()[19]
with open(record + ".new", "w") as stream:
    json.dump({"pid": os.getpid(), "start_time": start_time, "port": int(port)}, stream)
os.replace(record + ".new", record)
os.execvp(argv[0], argv)
"""


class LocalServerError(HostError):
    """The server cannot be started, stopped or recognised; the message names the thing and the way out."""


@dataclass(frozen=True)
class LocalServer:
    """What to run and where.

    directory holds the process record, the log and the program's working directory; lifetime (seconds) bounds how
    long the program runs, whatever happens to the one who started it.
    """

    name: str
    argv: list[str]
    port: int
    directory: Path
    host: str = "127.0.0.1"
    lifetime: int = 28800
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        try:
            loopback = ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            loopback = False
        if not loopback:
            raise LocalServerError(
                f"{self.name} listens on loopback addresses only, and {self.host} is none; use 127.0.0.1"
            )
        if not 1 <= self.port <= HIGHEST_PORT:
            raise LocalServerError(f"{self.name} cannot listen on port {self.port}; choose one of 1 to {HIGHEST_PORT}")

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def record_path(self) -> Path:
        return self.directory / f"{self.name}.json"

    @property
    def log_path(self) -> Path:
        return self.directory / f"{self.name}.log"


def reconcile(params: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """Bring the server to the state in the module's parameters and return its result. Raises LocalServerError."""
    server = LocalServer(
        name=params["name"],
        argv=params["argv"] or [],
        port=params["port"],
        directory=Path(params["directory"]),
        host=params["host"],
        lifetime=params["lifetime"],
        environment={key: str(value) for key, value in params["environment"].items()},
    )
    is_wanted = params["state"] == "started"
    changed = needs_start(server) if is_wanted else running_pid(server) is not None
    if not check_mode and is_wanted:
        start(server) if changed else await_start(server)
    elif not check_mode:
        stop(server)
    pid = running_pid(server)
    return {
        "changed": changed,
        "address": server.address,
        "log": str(server.log_path),
        **({"pid": pid} if pid else {}),
    }


def _running(server: LocalServer) -> dict[str, Any] | None:
    """The record of the server that an earlier call of start() left running."""
    try:
        record = json.loads(server.record_path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    if not isinstance(record, dict) or not isinstance(record.get("pid"), int) or "start_time" not in record:
        return None  # Whoever wrote it, it names no process that could be ended.
    return record if start_time(record["pid"]) == record["start_time"] else None


def running_pid(server: LocalServer) -> int | None:
    """The process ID of the server that an earlier call of start() left running."""
    record = _running(server)
    return record["pid"] if record else None


def is_listening(server: LocalServer) -> bool:
    """Whether anything accepts connections at the server's address."""
    with socket.socket() as connection:
        connection.settimeout(2)
        return connection.connect_ex((server.host, server.port)) == 0


def needs_start(server: LocalServer) -> bool:
    """Whether start() has something to do: nothing runs, or it runs on another port.

    Raises LocalServerError where the port is taken by a process that start() did not leave there.
    """
    record = _running(server)
    if record and record.get("port", server.port) == server.port:
        return False
    if is_listening(server):
        raise LocalServerError(
            f"port {server.port} on {server.host} is taken by another program, so {server.name} cannot listen there; "
            "stop that program or choose another port"
        )
    return True


def start(server: LocalServer, *, wait: int = 60) -> int:
    """Start the server in a session of its own and wait (seconds) until it listens; gives its process ID.

    One that runs on another port is stopped before.
    Raises LocalServerError where the directory cannot be written or the program does not come up.
    """
    try:
        server.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        log = os.open(server.log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError as error:
        raise LocalServerError(
            f"{server.directory} cannot be written ({error.strerror}), so {server.name} has no place for its log; "
            "make it writable or choose another directory"
        ) from error
    stop(server)
    program = ["timeout", str(server.lifetime), *server.argv]
    with os.fdopen(log, "a") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", RECORD_AND_RUN, str(server.record_path), str(server.port), *program],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=server.directory,
            env={**os.environ, **server.environment},
            start_new_session=True,
        )
    _await_listening(server, process.poll, wait)
    return process.pid


def await_start(server: LocalServer, *, wait: int = 60) -> None:
    """Wait until a running server listens: one that a killed run left behind may be on its way up still.

    Raises LocalServerError.
    """
    _await_listening(server, lambda: None if running_pid(server) else "unknown", wait)


def _await_listening(server: LocalServer, ended: Callable[[], int | str | None], wait: int) -> None:
    """Wait until the server listens; ``ended`` gives the status with which it ended, None while it runs."""
    deadline = time.monotonic() + wait
    while not is_listening(server):
        status = ended()
        if status is not None:
            raise LocalServerError(f"{server.name} ended at once (status {status}); its log is {server.log_path}")
        if time.monotonic() > deadline:
            stop(server)
            raise LocalServerError(
                f"{server.name} does not listen on {server.address} after {wait} s; its log is {server.log_path}"
            )
        time.sleep(0.1)


def stop(server: LocalServer, *, wait: int = 10) -> bool:
    """End the server and all it started; whether there was one. SIGKILL follows after wait seconds."""
    pid = running_pid(server)
    if pid is None:
        return False
    os.killpg(pid, signal.SIGTERM)
    deadline = time.monotonic() + wait
    while running_pid(server):
        if time.monotonic() > deadline:
            os.killpg(pid, signal.SIGKILL)
        time.sleep(0.1)
    server.record_path.unlink(missing_ok=True)
    return True
