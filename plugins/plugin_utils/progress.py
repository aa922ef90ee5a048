# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows the progress of a module's long work while the module runs."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ansible.plugins.action.normal import ActionModule as NormalAction

from ansible_collections.ecommerce.sqs.plugins.module_utils._progress import VARIABLE

LOOK_SECONDS = 1.0


class ProgressAction(NormalAction):
    """Runs the module of the task as without an action plugin, and shows what it reports meanwhile.

    Only where module and controller share a machine; elsewhere the system log of the host has the reports.
    """

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        if self._connection.transport != "local" or self._task.async_val or self._task.no_log:
            return super().run(tmp, task_vars)  # type: ignore[no-any-return]
        with tempfile.NamedTemporaryFile("r", prefix="ecommerce-sqs-", encoding="utf-8") as reports:
            self._task.environment = [*(self._task.environment or []), {VARIABLE: reports.name}]
            with _shown(reports.readline, lambda line: self._display.display(f"{self._task.action}: {line}")):
                return super().run(tmp, task_vars)  # type: ignore[no-any-return]


@contextmanager
def _shown(read: Callable[[], str], show: Callable[[str], Any]) -> Iterator[None]:
    ended = threading.Event()

    def follow() -> None:
        while not ended.wait(LOOK_SECONDS):
            while line := read().rstrip("\n"):
                show(line)

    follower = threading.Thread(target=follow, daemon=True)
    follower.start()
    try:
        yield
    finally:
        ended.set()
        follower.join()
