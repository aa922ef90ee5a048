# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell a process that was noted from another one that has got its number since."""

from __future__ import annotations

from pathlib import Path


def start_time(pid: int) -> str | None:
    """Return when a process was started (field 22 of proc(5)'s stat), None where it has ended.

    The worker's note.py has a twin that notes it; a test of the worker holds the two together.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The program's name stands in parentheses, and may hold anything: spaces, parentheses, half a character.
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] == "Z" else fields[19]
