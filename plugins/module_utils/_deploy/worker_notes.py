# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the notes of running workers, and tell which of them have not proven yet that they work."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._host import log_end
from .._host.process import start_time

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LOOK_INTERVAL = 0.2


@dataclass(frozen=True)
class Worker:
    """A worker to be judged: its name, the folder of its notes, and how many processes it has to have.

    Each process has to have received from its queue. With ``canary`` it also has to have received and deleted the
    message of that ID, or to have handled another one. The end of its log is in ``log_file``, or in the journal of
    ``unit``, which may be a pattern.
    """

    name: str
    directory: str
    processes: int = 1
    canary: str | None = None
    log_files: Sequence[str] = ()
    unit: str | None = None

    def notes(self) -> list[dict[str, Any]]:
        """Return the notes of its processes that are alive."""
        found = []
        for path in sorted(Path(self.directory).glob(f"{self.name}.*.json")):
            try:
                note = json.loads(path.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                continue  # it has just ended
            if not isinstance(note, dict) or not isinstance(note.get("pid"), int):
                continue
            began = start_time(note["pid"])
            if began is not None and note.get("process") == began:
                found.append(note)
        return found

    def log(self) -> str:
        """Return the last lines of its log."""
        return log_end.of_units([self.unit]) if self.unit else log_end.of_files(self.log_files)


def unproven(worker: Worker, notes: Sequence[dict[str, Any]]) -> str | None:
    """Return what the processes of ``worker`` have not shown in their ``notes`` yet, None when they have shown all."""
    if len(notes) < worker.processes:
        return f"{worker.name}: {len(notes)} of {worker.processes} processes run"
    silent = [str(note["pid"]) for note in notes if not note.get("polled_at")]
    if silent:
        return f"{worker.name}: process {', '.join(silent)} has not received from its queue yet"
    idle = [str(note["pid"]) for note in notes if note.get("canary") != worker.canary and not note.get("handled_at")]
    if worker.canary is not None and idle:
        return f"{worker.name}: process {', '.join(idle)} got no canary message and handled no other message"
    return None


def wait_for_proof(workers: Sequence[Worker], seconds: float) -> list[tuple[Worker, str]]:
    """Wait until no worker is unproven, at most ``seconds``; return those that are, each with what it has not shown."""
    give_up_at = time.monotonic() + seconds
    while True:
        judged = [(worker, unproven(worker, worker.notes())) for worker in workers]
        found = [(worker, reason) for worker, reason in judged if reason is not None]
        if not found or time.monotonic() >= give_up_at:
            return found
        time.sleep(LOOK_INTERVAL)


def check(workers: Sequence[Mapping[str, Any]], seconds: float) -> dict[str, Any]:
    """Return the result of a module: what workers have not shown after ``seconds``, and the ends of their logs.

    ``workers`` are arguments of :class:`Worker`.
    """
    found = wait_for_proof([Worker(**worker) for worker in workers], seconds)
    return {
        "changed": False,
        "unproven": [reason for _worker, reason in found],
        "logs": {worker.name: worker.log() for worker, _reason in found},
    }
