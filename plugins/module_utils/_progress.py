# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far long work has come, told while it goes on: a module's own output is read only when it has ended."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

VARIABLE = "ECOMMERCE_SQS_PROGRESS"
"""Environment variable with the path of the file that the controller reads while the module runs."""
SECONDS = 5
"""Between two reports, and before the first, so that short work says nothing."""


def reporter(module: Any, clock: Callable[[], float] = time.monotonic) -> Callable[[str], None]:
    """Return a function that passes on what it is told, every few seconds at the most.

    It goes to the system log and, where the module's action plugin waits for it on this machine, to the operator.
    """
    reported = clock()

    def report(text: str) -> None:
        nonlocal reported
        if clock() - reported >= SECONDS:
            reported = clock()
            module.log(text)
            _tell(text)

    return report


def counting(report: Callable[[str], None], label: str) -> Callable[[int, int], None]:
    """Return what :func:`_aws.client.concurrently` calls after each item, to have ``label`` reported with the count."""
    return lambda done, total: report(f"{label}: {done} of {total} done")


def _tell(text: str) -> None:
    path = os.environ.get(VARIABLE)
    if path:
        # Never made here: where it is not, nobody waits for it, and nothing is to be left behind.
        with suppress(OSError), Path(path).open("r+", encoding="utf-8") as stream:
            stream.seek(0, os.SEEK_END)
            stream.write(f"{text}\n")
