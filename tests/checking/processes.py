# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""All that a process started, whatever session or environment it has since, how busy it is, and how it is ended.

A process that adopts orphans (PR_SET_CHILD_SUBREAPER, prctl(2)) stays the ancestor of all that it started, so /proc
finds them by their parents.
"""

from __future__ import annotations

import ctypes
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
TICKS = os.sysconf("SC_CLK_TCK")
GRACE = 2.0
"""Seconds in which what was asked to end may put things in order."""
PATIENCE = 30.0
"""Seconds in which the kernel ends what was killed."""
_libc = ctypes.CDLL(None, use_errno=True)


def adopt_orphans() -> None:
    """Become the parent of each descendant whose own parent ends. Raises OSError."""
    _prctl(PR_SET_CHILD_SUBREAPER, 1)


def end_with_parent() -> None:
    """Be sent SIGTERM when the parent ends, however it does. Raises OSError."""
    _prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def descendants() -> dict[int, float]:
    """All that this process started, by process id: seconds of processor time, with those of ended children."""
    children: dict[int, list[tuple[int, float]]] = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdecimal():
            continue
        try:
            # The name stands in parentheses and may have some itself: proc_pid_stat(5).
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        children.setdefault(int(fields[1]), []).append((int(folder.name), sum(map(int, fields[11:15])) / TICKS))
    found: dict[int, float] = {}
    parents = [os.getpid()]
    while parents:
        for child, seconds in children.get(parents.pop(), []):
            found[child] = seconds
            parents.append(child)
    return found


def end_all() -> None:
    """End all that this process started: ask first, then kill. Raises TimeoutError for what the kernel does not end."""
    # What comes from now on puts things in order for those that were asked.
    for pid in _alive():
        _send(pid, signal.SIGTERM)
    if _await_end(GRACE, lambda _left: None):
        return
    if not _await_end(PATIENCE, lambda left: [_send(pid, signal.SIGKILL) for pid in left]):
        raise TimeoutError(f"these processes do not end: {sorted(_alive())}")


def _await_end(limit: float, meanwhile: Callable[[set[int]], object]) -> bool:
    deadline = time.monotonic() + limit
    while left := _alive():
        if time.monotonic() > deadline:
            return False
        meanwhile(left)
        time.sleep(0.05)
    return True


def _send(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _alive() -> set[int]:
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    return set(descendants())


def _prctl(option: int, value: int) -> None:
    if _libc.prctl(option, value, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")
