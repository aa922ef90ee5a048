# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks and their task files find each other."""

from __future__ import annotations

import re
from pathlib import Path

from ansible_collections.ecommerce.sqs.tests.checkout import ROOT

PLAYBOOKS = ROOT / "playbooks"
_INCLUDE = re.compile(r"(?:include|import)_tasks: ([\w./]+\.yml)")


def included_by(path: Path) -> list[Path]:
    """The task files that a playbook or a task file names, as paths that are resolved from its own folder."""
    return [(path.parent / name).resolve() for name in _INCLUDE.findall(path.read_text(encoding="utf-8"))]


def test_every_task_file_that_is_named_is_there_and_every_one_there_is_named() -> None:
    named = {target for path in PLAYBOOKS.rglob("*.yml") for target in included_by(path)}
    assert named == {path.resolve() for path in (PLAYBOOKS / "tasks").rglob("*.yml")}
