# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs one check: ends it where it makes no progress, and ends all that it left running, however it came to its end.

usage: python supervisor.py QUIET_SECONDS COMMAND    a line of bash; its output is this program's

The exit status is the command's, or STALLED.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from types import FrameType

import processes

STALLED = 124
"""The exit status of a check that made no progress, as timeout(1) has it."""
BUSY = 0.02
"""The part of one core that a check uses at least when it gets on; servers that only wait use less."""


class EndedError(Exception):
    """This program was told to end."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


class Progress:
    """Whether a check gets on: it prints something, or its processes are busy."""

    def __init__(self, quiet: float) -> None:
        self._quiet = quiet
        self._note()

    def stalled(self) -> bool:
        """Whether a whole span of QUIET_SECONDS has passed without any."""
        if time.monotonic() - self._since < self._quiet:
            return False
        before = (self._printed, self._used)
        self._note()
        return self._printed == before[0] and self._used - before[1] < BUSY * self._quiet

    def _note(self) -> None:
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        self._since = time.monotonic()
        self._printed = os.fstat(1).st_size
        self._used = sum(processes.descendants().values()) + ended.ru_utime + ended.ru_stime


def supervise(quiet: float, command: str) -> int:
    """Run a line of bash to its end, and return its exit status. Raises EndedError."""
    check = subprocess.Popen(
        ["/bin/bash", "-euo", "pipefail", "-c", command], stdin=subprocess.DEVNULL, start_new_session=True
    )
    progress = Progress(quiet)
    while True:
        # Orphans come to this process and are reaped with the check.
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == check.pid:
            check.returncode = os.waitstatus_to_exitcode(status)
            return check.returncode if check.returncode >= 0 else 128 - check.returncode
        if progress.stalled():
            print(f"\nended: for {quiet:.0f} s it printed nothing and was not busy", flush=True)
            return STALLED
        if not pid:
            time.sleep(0.1)


def on_end(handler: Callable[[int, FrameType | None], None] | signal.Handlers) -> None:
    """Have a handler for what tells this program to end."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, handler)


def main() -> int:
    def end(number: int, _frame: FrameType | None) -> None:
        on_end(signal.SIG_IGN)
        raise EndedError(number)

    on_end(end)
    processes.adopt_orphans()
    processes.end_with_parent()
    try:
        return supervise(float(sys.argv[1]), sys.argv[2])
    except EndedError as error:
        print(f"\nended by {error}", flush=True)
        return 128 + error.number
    finally:
        on_end(signal.SIG_IGN)
        processes.end_all()


if __name__ == "__main__":
    sys.exit(main())
