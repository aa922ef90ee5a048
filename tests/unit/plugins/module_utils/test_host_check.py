# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ansible_collections.ecommerce.sqs.plugins.module_utils.host_check import problems


def check(directory, *, python=sys.executable, free_megabytes=1):
    return problems(Path(directory), python=python, free_megabytes=free_megabytes)


@pytest.fixture
def old_python(tmp_path):
    script = tmp_path / "old-python"
    script.write_text("#!/bin/sh\necho 3 9\n", encoding="utf-8")
    script.chmod(0o755)
    return str(script)


def test_a_host_that_can_take_services_has_no_problem_and_is_left_as_it_was(tmp_path):
    assert check(tmp_path / "not" / "there" / "yet") == []
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_cannot_be_made_is_named_with_what_refuses_it():
    (problem,) = check("/proc/ecommerce")
    assert problem.startswith("/proc/ecommerce cannot be written: /proc refuses the user")
    assert "set deploy_root" in problem


def test_a_file_in_the_way_is_named(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    (problem,) = check(tmp_path / "file" / "deeper")
    assert f"{tmp_path}/file refuses" in problem


def test_a_relative_directory_is_refused():
    assert check("opt") == ["opt is not an absolute path: set deploy_root to one"]


def test_too_little_room_is_told_in_figures(tmp_path):
    (problem,) = check(tmp_path, free_megabytes=10**9)
    assert "1000000000 MB are needed" in problem


def test_everything_in_the_way_is_told_at_once(old_python):
    assert len(check("/proc/ecommerce", python=old_python)) == 2


@pytest.mark.parametrize(
    ("python", "said"),
    [("/no/python", "is not there"), ("/bin/false", "does not run"), ("/etc/passwd", "does not run")],
)
def test_a_python_that_does_not_serve_is_named(tmp_path, python, said):
    (problem,) = check(tmp_path, python=python)
    assert problem.startswith(python)
    assert said in problem


def test_an_old_python_is_told_by_its_version(tmp_path, old_python):
    (problem,) = check(tmp_path, python=old_python)
    assert "is Python 3.9, and the worker runtime needs 3.11 or newer" in problem
