# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""Notes what each task did on each host, one JSON object a line, in the file that TASK_LOG names."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: task_log
type: notification
short_description: Notes what each task did on each host
version_added: 1.0.0
description:
  - Writes a line when a task starts, and one for each host when it ends there.
"""


class CallbackModule(CallbackBase):
    """The notes of one run."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "task_log"

    def __init__(self) -> None:
        super().__init__()
        self._log = Path(os.environ["TASK_LOG"]).open("a", encoding="utf-8")  # noqa: SIM115 - open for the whole run
        self._play = ""

    def v2_playbook_on_play_start(self, play: Any) -> None:
        self._play = play.get_name()

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        role = task._role.get_name() if task._role else ""
        self._note(event="task", play=self._play, role=role, task=task.get_name(), action=task.action)

    def v2_runner_on_ok(self, result: Any) -> None:
        changed = result.is_changed()
        self._note(event="ok", host=result._host.get_name(), changed=changed)

    def v2_runner_on_skipped(self, result: Any) -> None:
        self._note(event="skipped", host=result._host.get_name())

    def v2_playbook_on_stats(self, stats: Any) -> None:
        self._note(event="task", play="end", role="", task="", action="")
        self._log.close()

    def _note(self, **what: Any) -> None:
        self._log.write(json.dumps({"at": time.time(), **what}) + "\n")
        self._log.flush()
