# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/worker.md says what is so: every setting with its default, and tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

from support.doc_tables import settings_table

HERE = Path(__file__).resolve().parent
PAGE = HERE.parents[1] / "docs/worker.md"


def test_the_table_of_settings_is_that_of_the_code() -> None:
    assert settings_table() in PAGE.read_text(), "print support.doc_tables.settings_table() and paste it"


def test_every_test_named_exists() -> None:
    defined = set(re.findall(r"^def (test_\w+)", "".join(path.read_text() for path in HERE.glob("test_*.py")), re.M))
    files = {path.stem for path in HERE.glob("test_*.py")}
    named = set(re.findall(r"`(test_\w+)`", PAGE.read_text()))
    assert named
    assert named <= defined | files, named - defined - files
