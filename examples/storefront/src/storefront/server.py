# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a service's HTTP side: reads the environment, binds the port, serves until SIGTERM."""

from __future__ import annotations

import argparse
import errno
import logging
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import uvicorn
from fastapi import FastAPI

from storefront.settings import ServiceSettings, SettingsError, load_env_file

GRACE_SECONDS = 10

SettingsT = TypeVar("SettingsT", bound=ServiceSettings)


def serve(service: str, settings_type: type[SettingsT], create_app: Callable[[SettingsT], FastAPI]) -> int:
    """Run one service from the command line until it is told to stop.

    :param service: name for messages, and of the module ``storefront.<service>``.
    :returns: the process's exit code: 0 after SIGTERM or SIGINT, 1 when it could not start.
    """
    parser = argparse.ArgumentParser(prog=f"python -m storefront.{service}", description=f"The {service} service.")
    parser.add_argument("--env-file", type=Path, help="file of KEY=VALUE lines (default: .env, when there is one)")
    arguments = parser.parse_args()
    try:
        load_env_file(arguments.env_file)
        settings = settings_type.from_environment()
        logging.basicConfig(
            level=settings.log_level.upper(),
            format="%(asctime)s %(levelname)s %(name)s: %(message)s",
            stream=sys.stdout,
        )
        logging.getLogger("botocore").setLevel(logging.WARNING)
        listener = _listen(settings)
        app = create_app(settings)
    except SettingsError as error:
        print(f"{service} service: {error}".replace("\n", f"\n{service} service: "), file=sys.stderr)
        return 1
    config = uvicorn.Config(
        app,
        log_config=None,
        log_level=settings.log_level,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    # uvicorn raises again the signal that ended it; a process manager would take that for a crash.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: sys.exit(0))
    server = uvicorn.Server(config)
    server.run(sockets=[listener])
    return 0 if server.started else 1


def _listen(settings: ServiceSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise SettingsError(
                f"PORT={settings.port}: {settings.host}:{settings.port} is taken by another process; "
                f"stop it (ss -ltnp 'sport = :{settings.port}' shows it) or set another PORT"
            ) from error
        raise SettingsError(
            f"HOST={settings.host}, PORT={settings.port}: cannot be listened on: {error.strerror}"
        ) from error
    return listener
