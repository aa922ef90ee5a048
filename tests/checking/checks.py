# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is checked: the entries of a file of checks, and how each went."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path

import yaml


@dataclass(frozen=True)
class Check:
    """One entry of a file of checks.

    ``command`` is a line of bash, ``quick`` the line that stands for it after each edit, ``needs`` are commands on the
    PATH, or "root".
    """

    name: str
    command: str
    needs: list[str] = field(default_factory=list)
    quick: str = ""

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
    """Return the checks of a file, or only the named ones; of a quick run their quick lines. Raises UnknownError."""
    checks = [Check(**entry) for entry in yaml.safe_load(path.read_text(encoding="utf-8"))]
    unknown = set(names) - {check.name for check in checks}
    if unknown:
        known = ", ".join(check.name for check in checks)
        raise UnknownError(f"no such check: {', '.join(sorted(unknown))}; there are: {known}")
    chosen = [check for check in checks if not names or check.name in names]
    return [replace(check, command=check.quick, needs=[]) for check in chosen if check.quick] if quick else chosen
