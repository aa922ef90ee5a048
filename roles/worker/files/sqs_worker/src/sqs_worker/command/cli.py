# SPDX-License-Identifier: GPL-3.0-or-later
"""The command ``sqs-worker``."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from sqs_worker import settings
from sqs_worker.client import AioSqs
from sqs_worker.command import check, status
from sqs_worker.command.replay import Choice, replay
from sqs_worker.errors import ApiError, ConfigurationError
from sqs_worker.message import Message
from sqs_worker.observe import logs
from sqs_worker.observe.metrics import Metrics
from sqs_worker.run.dead_letter import reason_of
from sqs_worker.run.launcher import Launcher

EXIT_CONFIGURATION = 2
CLEAR = "\x1b[H\x1b[2J"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and exit: 0 done, 1 failed, 2 wrong settings or arguments."""
    options = _parser().parse_args(arguments)
    try:
        os.environ.update(settings.environment_with_files(os.environ, options.env_file))
        # The runner is never closed: it would wait for handlers that cannot be interrupted.
        code = int(asyncio.Runner().run(options.run(options, settings.load(os.environ))))
    except ConfigurationError as error:
        for problem in error.problems:
            print(f"sqs-worker: {problem}", file=sys.stderr)
        code = EXIT_CONFIGURATION
    except ApiError as error:
        print(f"sqs-worker: {error}", file=sys.stderr)
        code = 1
    except KeyboardInterrupt:
        code = 1
    except Exception:
        logging.getLogger(__name__).critical("the worker broke", exc_info=True)
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
    checking = commands.add_parser("check", help="tell what is missing before a start, with its remedy")
    checking.set_defaults(run=_check)
    showing = commands.add_parser("status", help="show a live view of the worker and its queue")
    showing.set_defaults(run=_status)
    showing.add_argument("--once", action="store_true", help="print it once and exit")
    showing.add_argument("--interval", type=float, default=2.0, help="seconds between two looks")
    replaying = commands.add_parser("replay", help="send dead-lettered messages back to the queue")
    replaying.set_defaults(run=_replay)
    replaying.add_argument("--max", type=int, help="replay at most this many messages")
    replaying.add_argument("--reason", type=_pattern, help="only messages whose reason matches this expression")
    replaying.add_argument("--body", type=_pattern, help="only messages whose body matches this expression")
    replaying.add_argument("--dry-run", action="store_true", help="show what would be replayed, change nothing")
    for command in (run, checking, showing, replaying):
        command.add_argument(
            "--env-file",
            action="append",
            default=[],
            type=Path,
            metavar="FILE",
            help="read settings from a .env file; may be repeated, later files win",
        )
    return parser


async def _run(_options: argparse.Namespace, worker: settings.Settings) -> int:
    logs.configure(worker.name, worker.log_level)
    await Launcher(worker).run()
    return 0


async def _check(_options: argparse.Namespace, worker: settings.Settings) -> int:
    return 0 if check.render(await check.check(worker), print) else 1


async def _status(options: argparse.Namespace, worker: settings.Settings) -> int:
    api = AioSqs(connections=2, metrics=Metrics(worker.name, worker.queue_url))
    view = status.View(worker, api)
    try:
        while True:
            lines = await view.lines()
            print(("" if options.once else CLEAR) + "\n".join(lines), flush=True)
            if options.once:
                return 0
            await asyncio.sleep(options.interval)
    finally:
        await api.close()


async def _replay(options: argparse.Namespace, worker: settings.Settings) -> int:
    if worker.dead_letter_queue_url is None:
        raise ConfigurationError(["SQS_WORKER_DEAD_LETTER_QUEUE_URL is not set: name the queue to replay from"])
    api = AioSqs(connections=4, metrics=Metrics(worker.name, worker.queue_url))

    def report(message: Message) -> None:
        print(f"{message.message_id}  {message.sent_at or '-'}  {reason_of(message) or 'moved by SQS'}", flush=True)

    try:
        moved, looked_at = await replay(
            api,
            worker.dead_letter_queue_url,
            worker.queue_url,
            Choice(options.max, options.reason, options.body),
            report,
            dry_run=options.dry_run,
        )
    finally:
        await api.close()
    print(f"{moved} of {looked_at} messages {'would be ' if options.dry_run else ''}replayed to {worker.queue_url}")
    return 0


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a regular expression: {error}") from error
