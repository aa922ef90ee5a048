# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.ecommerce.sqs.plugins.module_utils._host import log_end


def test_the_end_of_each_file_that_has_one_is_shown(tmp_path: Path) -> None:
    long, empty, binary = tmp_path / "long.log", tmp_path / "empty.log", tmp_path / "binary.log"
    long.write_text("".join(f"line {number}\n" for number in range(50)))
    empty.write_text("")
    binary.write_bytes(b"caf\xe9\n")
    shown = log_end.of_files(str(path) for path in (long, empty, tmp_path / "gone.log", binary)).splitlines()
    assert shown[:2] == [f"==> {long} <==", "line 30"]
    assert shown[-3:] == ["line 49", f"==> {binary} <==", "caf\N{REPLACEMENT CHARACTER}"]


def test_files_without_a_line_are_said_to_have_none(tmp_path: Path) -> None:
    assert log_end.of_files([str(tmp_path / "gone.log")]) == "(no log)"


@pytest.fixture
def journalctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    program = tmp_path / "journalctl"
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return program


def write(program: Path, body: str) -> None:
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)


def test_the_journal_is_asked_for_all_units_at_once(journalctl: Path) -> None:
    write(journalctl, 'echo "$@"')
    assert log_end.of_units(["a.service", "b@*.service"]).endswith("--lines=20 --unit=a.service --unit=b@*.service")
    write(journalctl, "true")
    assert log_end.of_units(["a.service"]) == "(no log)"


def test_a_journal_that_cannot_be_read_hides_no_other_message(
    journalctl: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(journalctl, "echo not permitted >&2; exit 1")
    assert log_end.of_units(["a.service"]).startswith("(no log: journalctl ")
    monkeypatch.setenv("PATH", "/nothing")
    assert log_end.of_units(["a.service"]) == "(no log: there is no program journalctl)"
