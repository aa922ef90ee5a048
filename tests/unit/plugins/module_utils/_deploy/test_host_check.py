# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ansible_collections.ecommerce.sqs.plugins.module_utils._deploy.host_check import check as check_host
from ansible_collections.ecommerce.sqs.plugins.module_utils._deploy.host_check import problems
from ansible_collections.ecommerce.sqs.plugins.module_utils._host.errors import HostError


def check(directory, *, python=sys.executable, free_megabytes=1, **more):
    return problems(Path(directory), python=python, free_megabytes=free_megabytes, **more)


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


def test_env_files_that_cannot_take_what_is_meant_for_them_are_named_all_of_them(tmp_path):
    broken = tmp_path / "payment" / ".env"
    broken.parent.mkdir()
    broken.write_text("A='open\n", encoding="utf-8")
    env_files = [
        {"path": str(broken), "present": {"B": "1"}, "secrets": {}},
        {"path": str(tmp_path / "order" / ".env"), "present": {}, "secrets": {"TOKEN": "a'\"b"}},
        {"path": str(tmp_path / "mail" / ".env"), "present": {"C": "1"}, "secrets": {}},
    ]
    first, second = check(tmp_path, env_files=env_files)
    assert first.startswith(f"{broken}: line 1 of the file has a quote that is not closed")
    assert second.startswith(f"{tmp_path}/order/.env: the value of TOKEN contains both")
    assert broken.read_text(encoding="utf-8") == "A='open\n"
    assert [path.name for path in tmp_path.iterdir()] == ["payment"]


@pytest.fixture
def pm2(tmp_path, monkeypatch):
    """A PM2 on a host whose system has no Node.js."""
    monkeypatch.setattr("ansible_collections.ecommerce.sqs.plugins.module_utils._pm2.api.SYSTEM_PATH", "/nothing")
    (tmp_path / "pm2").touch(mode=0o755)
    return str(tmp_path / "pm2")


def test_an_installed_pm2_without_its_node_is_named_with_where_it_looked(tmp_path, pm2):
    (problem,) = check(tmp_path, pm2_executable=pm2, pm2_path=["/opt/node/bin"])
    assert problem.startswith(f"{pm2} finds no node: install Node.js")
    assert "/opt/node/bin:/nothing" in problem


def test_a_pm2_is_no_problem_with_its_node_or_before_it_is_installed(tmp_path, pm2):
    (tmp_path / "node").touch(mode=0o755)
    assert check(tmp_path, pm2_executable=pm2, pm2_path=[str(tmp_path)]) == []
    assert check(tmp_path, pm2_executable=str(tmp_path / "no-pm2")) == []


def test_a_host_with_problems_fails_with_all_of_them(tmp_path, old_python):
    assert check_host(str(tmp_path), python=sys.executable, free_megabytes=1) == {"changed": False, "problems": []}
    with pytest.raises(HostError) as caught:
        check_host("/proc/ecommerce", python=old_python, free_megabytes=1)
    assert len(caught.value.result["problems"]) == 2
    assert str(caught.value).splitlines() == caught.value.result["problems"]


@pytest.mark.parametrize("words", ["hello", "", "3 x", "Welcome\\n3 12"])
def test_a_program_that_is_no_python_is_a_problem_and_no_traceback(tmp_path, words):
    program = tmp_path / "wrapper"
    program.write_text(f"#!/bin/sh\nprintf '{words}'\n")
    program.chmod(0o755)
    (problem,) = check(tmp_path, python=str(program))
    assert str(program) in problem
    assert "set service_python" in problem
