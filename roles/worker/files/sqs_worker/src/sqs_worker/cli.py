# SPDX-License-Identifier: GPL-3.0-or-later
"""The command ``sqs-worker``."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from sqs_worker import logs, settings
from sqs_worker.errors import ConfigurationError
from sqs_worker.launcher import Launcher

EXIT_CONFIGURATION = 2


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and exit: 0 done, 1 failed, 2 wrong settings or arguments."""
    options = _parser().parse_args(arguments)
    try:
        os.environ.update(settings.environment_with_files(os.environ, options.env_file))
        code = int(options.run(options, settings.load(os.environ)))
    except ConfigurationError as error:
        for problem in error.problems:
            print(f"sqs-worker: {problem}", file=sys.stderr)
        code = EXIT_CONFIGURATION
    except KeyboardInterrupt:
        code = 1
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    # Not sys.exit: a handler hanging in a thread would keep the interpreter from ending.
    os._exit(code)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sqs-worker", description="A worker for Amazon SQS.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="consume the queue until SIGTERM")
    run.set_defaults(run=_run)
    for command in (run,):
        command.add_argument(
            "--env-file", action="append", default=[], type=Path, metavar="FILE",
            help="read settings from a .env file; may be repeated, later files win",
        )  # fmt: skip
    return parser


def _run(_options: argparse.Namespace, worker: settings.Settings) -> int:
    logs.configure(worker.name, worker.log_level)

    async def work() -> None:
        await Launcher(worker).run()

    try:
        asyncio.run(work())
    except ConfigurationError:
        raise
    except Exception:
        logging.getLogger(__name__).critical("the worker broke", exc_info=True)
        return 1
    return 0
