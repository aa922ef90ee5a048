# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.ecommerce.sqs.plugins.module_utils._pm2.api import UnknownUserError
from ansible_collections.ecommerce.sqs.plugins.module_utils._pm2.plan import Pm2Error
from ansible_collections.ecommerce.sqs.plugins.module_utils._pm2.reconcile import look, reconcile

# Stands for PM2: notes each call, and keeps its list and its dump in files.
PROGRAM = """#!{python}
import json, pathlib, sys
home = pathlib.Path({home!r})
running, dump = home / "running", home / "dump.pm2"
verb, name = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else ""
entries = json.loads(running.read_text()) if running.exists() else []
if verb == "jlist":
    sys.exit(print(json.dumps(entries)))
with (home / "calls").open("a") as calls:
    print(*sys.argv[1:], file=calls)
if verb == "start":
    (app,) = json.load(sys.stdin)["apps"]
    fields = {{"pm_exec_path": app["script"], "args": app["args"], "env": app["env"], "restart_time": 0}}
    entries.append({{"name": app["name"], "pm_id": 1, "pid": 4, "pm2_env": {{"status": "online", **fields}}}})
elif verb == "delete":
    entries = [entry for entry in entries if entry["name"] != name]
elif verb == "save":
    dump.write_text(json.dumps([{{"name": entry["name"], **entry["pm2_env"]}} for entry in entries]))
elif verb == "resurrect":
    saved = json.loads(dump.read_text())
    entries = [{{"name": entry["name"], "pm_id": 0, "pid": 3, "pm2_env": {{**entry}}}} for entry in saved]
elif verb in ("stop", "restart"):
    for entry in entries:
        if entry["name"] == name:
            entry["pm2_env"]["status"] = "stopped" if verb == "stop" else "online"
            entry["pm2_env"]["restart_time"] += verb == "restart"
running.write_text(json.dumps(entries))
"""
APP = {"name": "worker", "script": "/bin/true", "args": [], "environment": {}, "autorestart": None}


class FakePm2:
    """A home with a program for ``pm2``; what calls the module made of it is in ``calls``."""

    def __init__(self, home: Path, python: str) -> None:
        self.home = home
        self.program = home / "pm2"
        self.program.write_text(PROGRAM.format(python=python, home=str(home)))
        self.program.chmod(0o755)

    def params(self, **more: Any) -> dict[str, Any]:
        where = {"home": str(self.home), "executable": str(self.program), "path": [], "user": None}
        return {**where, "names": None, "state": "started", "settle": 0, "apps": [dict(APP)], **more}

    @property
    def calls(self) -> list[str]:
        path = self.home / "calls"
        return path.read_text().splitlines() if path.exists() else []

    def save(self, *entries: dict[str, Any]) -> None:
        (self.home / "dump.pm2").write_text(json.dumps(entries))


@pytest.fixture
def down(tmp_path: Path) -> FakePm2:
    """A PM2 whose daemon does not run."""
    home = tmp_path / "h"
    home.mkdir()
    return FakePm2(home, os.path.realpath("/proc/self/exe"))


@pytest.fixture
def pm2(down: FakePm2) -> Iterator[FakePm2]:
    """A PM2 whose daemon answers."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(down.home / "rpc.sock"))
        server.listen(64)
        yield down


def saved(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "status": "online", "pm_exec_path": "/bin/true", "args": [], "env": {}, **more}


def test_an_app_is_started_saved_and_then_left_alone(pm2: FakePm2) -> None:
    first = reconcile(pm2.params(), check_mode=False)
    assert first["changed"]
    assert first["steps"] == ["start worker", "save"]
    assert [(process["name"], process["status"]) for process in first["processes"]] == [("worker", "online")]
    assert first["diff"]["before"] == {"worker": {"status": "absent"}}
    assert pm2.calls == ["start -", "save --force"]
    second = reconcile(pm2.params(), check_mode=False)
    assert (second["changed"], second["steps"]) == (False, [])
    assert second["processes"] == first["processes"]
    assert len(pm2.calls) == 2


def test_check_mode_says_the_steps_and_takes_none(pm2: FakePm2) -> None:
    result = reconcile(pm2.params(), check_mode=True)
    assert (result["changed"], result["steps"], result["processes"]) == (True, ["start worker", "save"], [])
    assert pm2.calls == []


@pytest.mark.parametrize(
    ("state", "expected"),
    [("stopped", "stop worker"), ("absent", "delete worker"), ("restarted", "restart worker")],
)
def test_an_app_that_runs_is_brought_to_another_state(pm2: FakePm2, state: str, expected: str) -> None:
    reconcile(pm2.params(), check_mode=False)
    result = reconcile(pm2.params(state=state), check_mode=False)
    assert result["steps"] == [expected, "save"]
    assert pm2.calls[2:] == [expected, "save --force"]


def test_a_daemon_that_is_down_brings_its_list_back_before_an_app_is_started(down: FakePm2) -> None:
    down.save(saved("other"))
    result = reconcile(down.params(), check_mode=True)
    assert result["steps"] == ["resurrect", "start worker", "save"]
    assert result["processes"] == []
    result = reconcile(down.params(), check_mode=False)
    assert result["steps"] == ["resurrect", "start worker", "save"]
    assert down.calls == ["resurrect", "start -", "save --force"]


def test_a_daemon_that_is_down_stays_so_for_what_it_does_not_run(down: FakePm2) -> None:
    down.save(saved("other"))
    assert reconcile(down.params(state="absent"), check_mode=False)["steps"] == []
    assert down.calls == []


def test_the_path_of_processes_is_the_one_given_unless_an_app_has_its_own(pm2: FakePm2) -> None:
    apps = [{**APP, "name": "a"}, {**APP, "name": "b", "environment": {"PATH": "/own"}}]
    reconcile(pm2.params(path=["/opt/node"], apps=apps), check_mode=False)
    running = json.loads((pm2.home / "running").read_text())
    first, second = (entry["pm2_env"]["env"]["PATH"] for entry in running)
    assert first.startswith("/opt/node:")
    assert second == "/own"


def test_a_program_is_found_by_its_name(pm2: FakePm2, tmp_path: Path) -> None:
    program = tmp_path / "bin" / "serve"
    program.parent.mkdir()
    params = pm2.params(path=[str(program.parent)], apps=[{**APP, "script": "serve"}])
    assert reconcile(params, check_mode=True)["steps"] == ["start worker", "save"]
    with pytest.raises(Pm2Error, match=r"worker: there is no program serve in .*/bin:.*: install it"):
        reconcile(params, check_mode=False)
    program.touch(mode=0o755)
    reconcile(params, check_mode=False)
    assert json.loads((pm2.home / "running").read_text())[0]["pm2_env"]["pm_exec_path"] == str(program)


def test_a_user_that_is_not_there_yet_is_none_in_check_mode_alone(pm2: FakePm2) -> None:
    params = pm2.params(user="nobody-at-all")
    assert reconcile(params, check_mode=True)["steps"] == ["start worker", "save"]
    with pytest.raises(UnknownUserError):
        reconcile(params, check_mode=False)


def test_apps_are_checked_before_pm2_is_asked(pm2: FakePm2) -> None:
    with pytest.raises(Pm2Error, match="script is missing"):
        reconcile(pm2.params(apps=[{**APP, "script": None}], home="relative"), check_mode=False)


def test_what_pm2_runs_and_has_saved_is_told_by_name(pm2: FakePm2) -> None:
    reconcile(pm2.params(apps=[{**APP, "name": "a"}, {**APP, "name": "b"}]), check_mode=False)
    everything = look(pm2.params())
    assert [process["name"] for process in everything["processes"]] == ["a", "b"]
    assert (everything["changed"], everything["daemon_up"], everything["saved"]) == (False, True, ["a", "b"])
    assert [process["name"] for process in look(pm2.params(names=["b"]))["processes"]] == ["b"]
    assert look(pm2.params(names=[]))["processes"] == []


def test_looking_at_a_daemon_that_is_down_leaves_it_so(down: FakePm2) -> None:
    down.save(saved("a"))
    assert look(down.params()) == {"changed": False, "daemon_up": False, "processes": [], "saved": ["a"]}
    assert down.calls == []
