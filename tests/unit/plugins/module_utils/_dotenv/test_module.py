# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.ecommerce.sqs.plugins.modules import dotenv


def asked(path: Path, *, check_mode: bool = False, **arguments: Any) -> dict[str, Any]:
    output = io.StringIO()
    given = {"path": str(path), "_ansible_check_mode": check_mode, "_ansible_diff": True, **arguments}
    with patch_module_args(given), contextlib.redirect_stdout(output), contextlib.suppress(SystemExit):
        dotenv.main()
    result: dict[str, Any] = json.loads(output.getvalue())
    return result


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".env"


def test_a_file_is_made_for_its_owner_alone_and_then_left_alone(path: Path) -> None:
    first = asked(path, present={"A": 1, "B": True}, secrets={"TOKEN": "sesame"})
    assert (first["changed"], first["added"]) == (True, ["A", "B", "TOKEN"])
    assert path.read_text() == "A=1\nB=true\nTOKEN=sesame\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert "sesame" not in json.dumps(first["diff"])
    assert first["diff"][0]["before_header"] == f"{path} (not there)"
    second = asked(path, present={"A": 1, "B": True}, secrets={"TOKEN": "sesame"})
    assert (second["changed"], second["version"]) == (False, first["version"])


def test_check_mode_writes_nothing(path: Path) -> None:
    assert asked(path, present={"A": "1"}, check_mode=True)["changed"]
    assert not path.exists()
    path.write_text("A=0\n")
    result = asked(path, present={"A": "1"}, mode="0640", check_mode=True)
    assert (result["changed"], result["modified"]) == (True, ["A"])
    assert path.read_text() == "A=0\n"


def test_permissions_alone_are_a_change(path: Path) -> None:
    path.write_text("A=1\n")
    path.chmod(0o644)
    result = asked(path, present={"A": "1"})
    assert (result["changed"], result["modified"]) == (True, [])
    assert path.stat().st_mode & 0o777 == 0o600
    assert [part["before_header"] for part in result["diff"]] == [str(path), f"{path} (attributes)"]


def test_the_old_file_is_kept_on_request(path: Path) -> None:
    assert "backup_file" not in asked(path, present={"A": "1"}, backup=True)
    assert "backup_file" not in asked(path, present={"A": "1"}, backup=True)
    kept = Path(asked(path, present={"A": "2"}, backup=True)["backup_file"])
    assert (kept.read_text(), path.read_text()) == ("A=1\n", "A=2\n")


def test_no_file_is_made_where_nothing_has_to_be_in_it(path: Path) -> None:
    result = asked(path, absent=["A"])
    assert (result["changed"], result["version"]) == (False, None)
    assert not path.exists()


@pytest.mark.parametrize("check_mode", [False, True])
def test_what_cannot_be_written_is_one_message_with_the_path(path: Path, check_mode: bool) -> None:
    path.mkdir()
    result = asked(path, present={"A": "1"}, check_mode=check_mode)
    assert result["failed"]
    assert result["msg"].startswith(f"{path} cannot be read or written: it is a folder")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"present": {"A": "x", "B": "1"}, "secrets": {"A": "hunter2"}}, "A: given both in present and in secrets"),
        ({"secrets": {"A": "hunter2${B}"}}, "the value of A contains"),
        ({"present": {"A": None}}, "A has no value"),
        ({"present": {"A": ["hunter2"]}}, "the value of A is a list"),
    ],
)
def test_what_a_file_cannot_hold_is_refused_before_anything_is_written(
    path: Path, arguments: dict[str, Any], reason: str
) -> None:
    result = asked(path, **arguments)
    assert result["failed"]
    assert result["msg"].startswith(f"{path}: {reason}")
    assert "hunter2" not in result["msg"]
    assert not path.exists()
