# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is checked: the entries of a file of checks, and how each went."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import yaml


@dataclass(frozen=True)
class Check:
    """One entry of a file of checks; ``command`` is a line of bash, ``needs`` commands on the PATH, or "root"."""

    name: str
    command: str
    needs: list[str] = field(default_factory=list)
    quick: bool = False

    def missing(self) -> list[str]:
        """What the check needs and this machine lacks."""
        return [need for need in self.needs if not (os.geteuid() == 0 if need == "root" else shutil.which(need))]


@dataclass(frozen=True)
class Outcome:
    """How a check went: passed, FAILED, ended or "not run", with a remark."""

    check: Check
    word: str
    remark: str

    def line(self) -> str:
        """The outcome in one line."""
        return f"{self.check.name:<22} {self.word:<8} {self.remark}"


class UnknownError(Exception):
    """There is no check of a name; the message says which there are."""


def read(path: Path, names: list[str], *, quick: bool) -> list[Check]:
    """Return the checks of a file, or only the named or the quick ones. Raises UnknownError."""
    checks = [Check(**entry) for entry in yaml.safe_load(path.read_text(encoding="utf-8"))]
    unknown = set(names) - {check.name for check in checks}
    if unknown:
        known = ", ".join(check.name for check in checks)
        raise UnknownError(f"no such check: {', '.join(sorted(unknown))}; there are: {known}")
    if names:
        return [check for check in checks if check.name in names]
    return [check for check in checks if check.quick or not quick]
