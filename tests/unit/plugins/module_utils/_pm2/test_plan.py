# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ecommerce.sqs.plugins.module_utils._pm2.plan import (
    Pm2Error,
    definition,
    differences,
    make_plan,
    parse_list,
    restarts_allowed,
    size_in_bytes,
    stop_timeout,
    summary,
    unsteady,
)

APP = {
    "name": "payment-queue-worker",
    "script": "/opt/payment/venv/bin/sqs-worker",
    "args": ["run"],
    "cwd": "/opt/payment",
    "interpreter": "none",
    "environment": {"LEVEL": "info"},
    "revision": "r1",
    "kill_timeout": 300000,
    "max_memory_restart": "300M",
}


def process(app: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """What `pm2 jlist` tells of an app that runs as wanted, with changes to its pm2_env."""
    wanted = definition(app or APP)
    held = {
        "status": "online",
        "restart_time": 0,
        "pm_uptime": 1_000_000,
        "pm_exec_path": wanted["script"],
        "args": wanted["args"],
        "pm_cwd": wanted["cwd"],
        "exec_interpreter": wanted["interpreter"],
        "kill_timeout": wanted["kill_timeout"],
        "max_memory_restart": wanted["max_memory_restart"],
        "exec_mode": "fork_mode",
        "env": {
            "PATH": "/usr/bin",
            "PM2_HOME": "/opt/pm2",
            "HOME": "/root",
            "unique_id": "1",
            wanted["name"]: "{}",
            **wanted["env"],
        },
        **changes,
    }
    return {"name": wanted["name"], "pm_id": 0, "pid": 4711, "pm2_env": held, "monit": {"memory": 1}}


def saved(entry: dict[str, Any]) -> dict[str, Any]:
    """The entry of PM2's dump for a process."""
    return {"name": entry["name"], **entry["pm2_env"]}


def steps(state: str, processes: list[dict[str, Any]], app: dict[str, Any] | None = None) -> list[str]:
    return make_plan([app or APP], processes, [saved(entry) for entry in processes], state).steps


NAME = APP["name"]


@pytest.mark.parametrize(
    ("state", "status", "expected"),
    [
        ("started", None, [f"start {NAME}", "save"]),
        ("started", "online", []),
        ("started", "stopped", [f"restart {NAME}", "save"]),
        ("started", "errored", [f"restart {NAME}", "save"]),
        ("restarted", None, [f"start {NAME}", "save"]),
        ("restarted", "online", [f"restart {NAME}", "save"]),
        ("reloaded", "online", [f"reload {NAME}", "save"]),
        ("stopped", None, []),
        ("stopped", "online", [f"stop {NAME}", "save"]),
        ("stopped", "stopped", []),
        ("absent", None, []),
        ("absent", "online", [f"delete {NAME}", "save"]),
        ("absent", "stopped", [f"delete {NAME}", "save"]),
    ],
)
def test_steps_from_what_runs_to_what_is_wanted(state: str, status: str | None, expected: list[str]) -> None:
    assert steps(state, [process(status=status)] if status else []) == expected


@pytest.mark.parametrize(
    "change",
    [
        {"script": "/opt/other"},
        {"args": ["run", "--x"]},
        {"cwd": "/tmp"},
        {"interpreter": "python3"},
        {"environment": {"LEVEL": "debug"}},
        {"environment": {}},
        {"environment": {"LEVEL": "info", "NEW": "1"}},
        {"revision": "r2"},
        {"kill_timeout": 1},
        {"max_memory_restart": "1G"},
        {"instances": 2},
    ],
)
def test_anything_different_is_deleted_and_started_anew(change: dict[str, Any]) -> None:
    assert steps("started", [process()], {**APP, **change}) == [f"delete {NAME}", f"start {NAME}", "save"]


def test_what_is_not_asked_for_is_not_compared() -> None:
    assert steps("started", [process(restart_delay=7, log_date_format="X")]) == []
    assert steps("started", [process()], {**APP, "revision": None}) == []


def test_list_that_lacks_a_running_app_is_saved_again() -> None:
    plan = make_plan([APP], [process()], [], "started")
    assert plan.steps == ["save"]
    old = process({**APP, "revision": "r0"})
    assert make_plan([APP], [process()], [saved(old)], "started").save


def test_diff_never_shows_the_environment() -> None:
    plan = make_plan([{**APP, "environment": {"TOKEN": "swordfish"}}], [process()], [], "started")
    assert "TOKEN" in str(plan.after)
    assert "swordfish" not in str([plan.before, plan.after])
    assert "info" not in str(summary(process())["name"])
    assert "LEVEL" not in summary(process())


def test_app_that_was_started_may_not_restart_and_one_that_was_restarted_may_once() -> None:
    running = process(restart_time=4)
    restarting = make_plan([APP], [running], [], "restarted")
    assert restarts_allowed(restarting, [running]) == {NAME: 5}
    starting = make_plan([APP], [], [], "started")
    assert restarts_allowed(starting, []) == {NAME: 0}


def test_app_that_pm2_restarted_a_moment_ago_is_watched() -> None:
    young = process(restart_time=3, pm_uptime=995_000)
    assert unsteady([APP], [young], now=1000) == {NAME: 3}
    assert unsteady([APP], [young], now=2000) == {}
    assert unsteady([APP], [process(restart_time=3, status="waiting restart")], now=9000) == {NAME: 3}
    assert unsteady([], [young], now=1000) == {}


@pytest.mark.parametrize(("size", "expected"), [("300M", 314572800), ("1G", 1073741824), ("5", 5), ("2k", 2048)])
def test_sizes_are_those_of_pm2(size: str, expected: int) -> None:
    assert size_in_bytes(size) == expected


@pytest.mark.parametrize("size", ["", "M", "lots", "1T", "-1"])
def test_bad_size_is_named(size: str) -> None:
    with pytest.raises(Pm2Error, match="is not a size"):
        size_in_bytes(size)


def test_list_is_found_below_a_banner() -> None:
    entries = [process()]
    banner = "\n[PM2] Spawning PM2 daemon\n>>>> In-memory PM2 is out-of-date\n"
    assert parse_list(banner + json.dumps(entries) + "\n") == entries


@pytest.mark.parametrize("output", ["", "sh: pm2: not found", '{"a": 1}', "[1, 2]"])
def test_output_without_a_list_is_an_error_and_never_an_empty_list(output: str) -> None:
    with pytest.raises(Pm2Error, match="no list"):
        parse_list(output)


options = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["a", "b"]),
        "script": st.sampled_from(["/bin/a", "/bin/b"]),
        "args": st.lists(st.text(max_size=3), max_size=2),
        "cwd": st.just("/"),
        "interpreter": st.sampled_from(["none", "node"]),
        "environment": st.dictionaries(st.sampled_from(["A", "B"]), st.text(max_size=3)),
        "revision": st.sampled_from([None, "1"]),
        "kill_timeout": st.integers(1, 3),
        "max_memory_restart": st.sampled_from(["1M", "1G"]),
    }
)


@given(options, st.one_of(st.none(), options), st.sampled_from(["online", "stopped", "errored"]))
def test_plan_carried_out_leaves_nothing_to_plan(
    wanted: dict[str, Any], before: dict[str, Any] | None, status: str
) -> None:
    running = [process({**before, "name": wanted["name"]}, status=status)] if before else []
    for call in make_plan([wanted], running, [], "started").calls:
        if call.command == "delete":
            running = []
        elif call.command == "start":
            running = [process(wanted)]
        elif call.command == "restart":
            running = copy.deepcopy(running)
            running[0]["pm2_env"]["status"] = "online"
    assert not differences(wanted, running[0])
    assert make_plan([wanted], running, [saved(entry) for entry in running], "started").steps == []


def test_time_to_end_is_that_of_all_processes_of_the_app() -> None:
    processes = [
        {"name": "w", "pm2_env": {"kill_timeout": 330_000}},
        {"name": "w", "pm2_env": {"kill_timeout": 330_000}},
        {"name": "other", "pm2_env": {"kill_timeout": 1}},
    ]
    assert stop_timeout(processes, ["w"]) == 660 + 30
