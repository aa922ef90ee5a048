# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The last lines of what a process logged, for a message about its failure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from . import programs

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LINES = 20
NOTHING = "(no log)"


def of_files(paths: Iterable[str]) -> str:
    """Return the last lines of each log file that has any, headed as by ``tail``, or say that there are none."""
    ends = {path: _lines(path)[-LINES:] for path in paths}
    return "\n".join("\n".join([f"==> {path} <==", *lines]) for path, lines in ends.items() if lines) or NOTHING


def of_units(names: Sequence[str]) -> str:
    """Return the last lines in the journal of units of systemd, or of patterns of them."""
    command = ["journalctl", "--no-pager", "--output=cat", f"--lines={LINES}", *(f"--unit={name}" for name in names)]
    try:
        return programs.run(command, timeout=30).strip() or NOTHING
    except programs.ProgramError as error:
        # It is wanted for a message about a failure, which it must not hide.
        return f"(no log: {error})"


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
