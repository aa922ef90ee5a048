# SPDX-License-Identifier: GPL-3.0-or-later
"""A small file that tells how far this process has come, for whoever has just deployed it."""

from __future__ import annotations

import json
import logging
import os
import re
import time
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)


class Note:
    """One file a process, ``NAME.PID.json``, replaced when something in it changes and removed at the end.

    ``polled_at`` and ``handled_at`` are the Unix times of the first receive and the first handler run that succeeded,
    null before; ``canary`` is the latest canary message's ID. ``process`` tells this process from a later one with the
    same ID. Nothing is written without a folder; a file that cannot be written is a warning, the work goes on.
    """

    def __init__(self, directory: str | None, name: str) -> None:
        self._directory = Path(directory) if directory else None
        self._stem = re.sub(r"[^\w.-]", "_", name)
        self._content: dict[str, Any] = {
            "pid": os.getpid(),
            "process": process_start(os.getpid()),
            "started_at": time.time(),
            "polled_at": None,
            "handled_at": None,
            "canary": None,
        }

    def begin(self) -> None:
        """Write the note, and take away those of processes that are gone."""
        if self._directory is not None:
            for path in self._directory.glob(f"{self._stem}.*.json"):
                pid = path.name.removeprefix(f"{self._stem}.").removesuffix(".json")
                if pid.isdecimal() and process_start(int(pid)) is None:
                    _remove(path)
        self._write()

    def polled(self) -> None:
        """A receive succeeded."""
        self._first("polled_at")

    def handled(self) -> None:
        """A handler ran to its end with success."""
        self._first("handled_at")

    def canary(self, identifier: str) -> None:
        """A canary message was received and deleted."""
        if self._content["canary"] != identifier:
            self._content["canary"] = identifier
            self._write()

    def end(self) -> None:
        """Remove the note."""
        if self._directory is not None:
            _remove(self._path(self._directory))

    def _first(self, what: str) -> None:
        if self._content[what] is None:
            self._content[what] = time.time()
            self._write()

    def _path(self, directory: Path) -> Path:
        return directory / f"{self._stem}.{os.getpid()}.json"

    def _write(self) -> None:
        if self._directory is None:
            return
        path = self._path(self._directory)
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.with_suffix(".new").write_text(json.dumps(self._content) + "\n", encoding="utf-8")
            path.with_suffix(".new").replace(path)
        except OSError as error:
            log.warning("%s cannot be written, a deploy cannot see how far this worker is: %s", path, error.strerror)


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        log.warning("%s cannot be removed: %s", path, error.strerror)


def process_start(pid: int) -> str | None:
    """When a process began, in ticks since the machine's start (proc(5), field 22 of stat); None where it has ended.

    One that waits for its parent to take note of its end (state Z) has ended.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The program's name stands in parentheses, and may hold anything: spaces, parentheses, half a character.
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] == "Z" else fields[19]
