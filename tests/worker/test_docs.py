# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/worker.md says what is so: every setting with its default, and tests that exist."""

from __future__ import annotations

import re

from support.doc_tables import settings_table

from checkout import ROOT, WORKER

PAGE = ROOT / "docs/worker.md"
TESTS = sorted((ROOT / "tests/worker").rglob("test_*.py"))


def test_the_table_of_settings_is_that_of_the_code() -> None:
    assert settings_table() in PAGE.read_text(), "print support.doc_tables.settings_table() and paste it"


def test_every_test_named_exists() -> None:
    defined = set(re.findall(r"^def (test_\w+)", "".join(path.read_text() for path in TESTS), re.M))
    files = {path.stem for path in TESTS}
    named = set(re.findall(r"`(test_\w+)`", PAGE.read_text()))
    assert named
    assert named <= defined | files, named - defined - files


def test_every_module_of_run_is_in_the_table() -> None:
    described = set(re.findall(r"`(\w+\.py)`", PAGE.read_text()))
    modules = {path.name for path in (WORKER / "sqs_worker/run").glob("*.py") if path.name != "__init__.py"}
    assert modules <= described, modules - described
