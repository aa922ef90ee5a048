# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import os
import pwd
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.ecommerce.sqs.plugins.module_utils._pm2.api import Pm2, UnknownUserError
from ansible_collections.ecommerce.sqs.plugins.module_utils._pm2.plan import Pm2Error


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home whose daemon answers."""
    folder = tmp_path / "h"
    folder.mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(folder / "rpc.sock"))
        server.listen()
        yield folder


def program(folder: Path, body: str) -> str:
    path = folder / "pm2"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return str(path)


def test_code_127_is_an_error_and_never_an_empty_list(home: Path, tmp_path: Path) -> None:
    executable = program(tmp_path, "exec no-such-node")
    with pytest.raises(Pm2Error, match=r"failed with code 127.*install Node.js, or put the folder"):
        Pm2(str(home), executable).processes()


def test_missing_program_is_named(home: Path) -> None:
    with pytest.raises(Pm2Error, match="there is no program /nowhere/pm2"):
        Pm2(str(home), "/nowhere/pm2").processes()


def test_failure_tells_what_pm2_said(home: Path, tmp_path: Path) -> None:
    with pytest.raises(Pm2Error, match="failed with code 3: it broke"):
        Pm2(str(home), program(tmp_path, "echo it broke >&2; exit 3")).run("save")


def test_looking_does_not_start_a_daemon_that_is_down(tmp_path: Path) -> None:
    executable = program(tmp_path, f"touch {tmp_path}/was-called")
    pm2 = Pm2(str(tmp_path / "h"), executable)
    assert not pm2.is_up
    assert pm2.processes() == []
    assert not (tmp_path / "was-called").exists()


def test_home_whose_socket_would_be_cut_off_is_refused(tmp_path: Path) -> None:
    fits = "/" + "x" * (107 - len("/rpc.sock") - 1)
    Pm2(fits, "pm2")
    with pytest.raises(Pm2Error, match="has at most 107"):
        Pm2(fits + "x", "pm2")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to another user")
def test_home_of_another_user_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "h"
    folder.mkdir()
    os.chown(folder, 1, 1)
    with pytest.raises(Pm2Error, match=r"belongs to daemon, and root is asked for: name the owner"):
        Pm2(str(folder), "pm2")


def test_unknown_user_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnknownUserError, match="there is no user nobody-at-all"):
        Pm2(str(tmp_path / "h"), "pm2", user="nobody-at-all")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can run something as another user")
def test_pm2_runs_as_its_user_and_with_that_users_home() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        seen = Pm2(str(folder / "h"), program(folder, "id -un; id -Gn; env"), user="daemon").run("list").splitlines()
    assert seen[:2] == ["daemon", "daemon"]
    assert f"HOME={pwd.getpwnam('daemon').pw_dir}" in seen


def test_processes_get_none_of_the_callers_environment(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "swordfish")
    seen = Pm2(str(home), program(tmp_path, "env"), ["/opt/node/bin"]).run("start")
    assert "swordfish" not in seen
    assert f"PM2_HOME={home}" in seen
    assert "PATH=/opt/node/bin:" in seen


def test_environment_of_an_app_is_passed_in_no_file_and_no_argument(home: Path, tmp_path: Path) -> None:
    executable = program(tmp_path, f'echo "$@" > {tmp_path}/arguments; cat > {tmp_path}/seen')
    app = {"name": "a", "script": "/bin/true", "args": [], "environment": {"TOKEN": "swordfish"}, "cwd": None}
    Pm2(str(home), executable).start(app)
    assert (tmp_path / "arguments").read_text() == "start -\n"
    assert json.loads((tmp_path / "seen").read_text()) == {
        "apps": [{"name": "a", "script": "/bin/true", "args": [], "env": {"TOKEN": "swordfish"}}]
    }


def test_app_that_pm2_would_read_by_half_is_refused(home: Path, tmp_path: Path) -> None:
    app = {"name": "a", "script": "/bin/true", "environment": {"LONG": "x" * 70000}}
    with pytest.raises(Pm2Error, match=r"a: its arguments and environment take 7\d+ bytes, and PM2 reads at most"):
        Pm2(str(home), program(tmp_path, "true")).start(app)


def test_torn_dump_counts_as_none(home: Path) -> None:
    (home / "dump.pm2").write_text('[{"name": "a"')
    assert Pm2(str(home), "pm2").saved() == []


@pytest.mark.parametrize("written", ["pm_err_log_path", "pm_out_log_path"])
def test_app_that_ends_at_once_fails_with_its_log(home: Path, tmp_path: Path, written: str) -> None:
    logs = {"pm_err_log_path": str(tmp_path / "error.log"), "pm_out_log_path": str(tmp_path / "out.log")}
    Path(logs[written]).write_text("KeyError: ORDER_QUEUE_URL\n")
    entry = {"name": "a", "pm2_env": {"status": "errored", "restart_time": 2, **logs}}
    pm2 = Pm2(str(home), program(tmp_path, f"echo '{json.dumps([entry])}'"))
    with pytest.raises(Pm2Error, match=r"a does not stay up: .*restarted 2 times[^$]*KeyError: ORDER_QUEUE_URL"):
        pm2.settle({"a": 0}, 0)
    pm2.settle({"other": 0}, 0)


def test_app_that_is_about_to_end_is_waited_for(home: Path, tmp_path: Path) -> None:
    listed = {
        status: json.dumps([{"name": "w", "pm2_env": {"status": status, "kill_timeout": 300_000}}])
        for status in ("stopping", "stopped")
    }
    asked = tmp_path / "asked"
    executable = program(
        tmp_path,
        f"if [ -e {asked} ]; then echo '{listed['stopped']}'; else touch {asked}; echo '{listed['stopping']}'; fi",
    )
    (found,) = Pm2(str(home), executable).settled_processes(["w"])
    assert found["pm2_env"]["status"] == "stopped"


def test_app_that_never_ends_is_named(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ansible_collections.ecommerce.sqs.plugins.module_utils._pm2.plan.SPARE", -1)
    stopping = json.dumps([{"name": "w", "pm2_env": {"status": "stopping"}}])
    with pytest.raises(Pm2Error, match="w: still stopping after kill_timeout"):
        Pm2(str(home), program(tmp_path, f"echo '{stopping}'")).settled_processes(["w"])


def test_call_may_take_as_long_as_processes_take_to_end(home: Path, tmp_path: Path) -> None:
    pm2 = Pm2(str(home), program(tmp_path, "sleep 1; echo ended"), timeout=0.1)
    with pytest.raises(Pm2Error, match="did not end within"):
        pm2.run("delete", "w")
    assert pm2.run("delete", "w", timeout=60) == "ended\n"
