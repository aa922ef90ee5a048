# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ecommerce.sqs.plugins.module_utils._pm2.plan import (
    Plan,
    as_jlist,
    differences,
    is_resurrected,
    make_plan,
    summary,
)
from ansible_collections.ecommerce.sqs.tests.unit.support.pm2_processes import APP, NAME, OTHER, process, saved


def steps(state: str, processes: list[dict[str, Any]], app: dict[str, Any] | None = None) -> list[str]:
    return make_plan([app or APP], processes, [saved(entry) for entry in processes], state).steps


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


@pytest.mark.parametrize("state", ["started", "stopped", "absent"])
def test_saved_entries_of_other_apps_decide_nothing(state: str) -> None:
    running = {"started": [process()], "stopped": [process(status="stopped")], "absent": []}[state]
    mine = [saved(entry) for entry in running]
    others = [saved(process(OTHER, status=status)) for status in ("online", "stopped", "errored")]
    assert make_plan([APP], running, mine, state).steps == []
    assert make_plan([APP], running, [*others, *mine, {"status": "online"}], state).steps == []
    if mine:
        assert make_plan([APP], running, others, state).steps == ["save"]


def test_processes_of_other_apps_are_left_alone() -> None:
    others = [process(OTHER, status="errored")]
    assert make_plan([APP], others, [], "absent").steps == []
    assert make_plan([APP], others, [], "started").steps == [f"start {NAME}", "save"]
    assert make_plan([APP], [*others, process()], [saved(process())], "stopped").steps == [f"stop {NAME}", "save"]


@pytest.mark.parametrize(
    ("state", "status", "saved_as", "is_changed"),
    [
        ("started", "online", ["online"], False),
        ("started", "online", ["launching"], False),
        ("started", "online", ["waiting restart"], False),
        ("started", "online", ["stopped"], True),
        ("started", "online", ["online", "errored"], True),
        ("started", "online", [], True),
        ("stopped", "stopped", ["stopped"], False),
        ("stopped", "stopped", ["online"], True),
        ("stopped", "stopped", ["stopped", "online"], True),
        ("stopped", "stopped", [], True),
        ("stopped", None, ["online"], False),
        ("absent", None, ["stopped"], True),
        ("absent", None, [], False),
    ],
)
def test_list_is_saved_where_a_reboot_would_find_another_state(
    state: str, status: str | None, saved_as: list[str], is_changed: bool
) -> None:
    running = [process(status=status)] if status else []
    dump = [saved(process(status=each)) for each in saved_as]
    assert make_plan([APP], running, dump, state).steps == (["save"] if is_changed else [])


def test_one_app_of_many_that_is_not_saved_has_the_list_saved() -> None:
    running = [process(), process(OTHER)]
    for missing in running:
        dump = [saved(entry) for entry in running if entry is not missing]
        assert make_plan([APP, OTHER], running, dump, "started").steps == ["save"]
    assert make_plan([APP, OTHER], running, [saved(entry) for entry in running], "started").steps == []


def test_apps_are_brought_to_their_state_in_their_order() -> None:
    stale = process({**OTHER, "revision": "r0"})
    plan = make_plan([APP, OTHER], [stale], [], "started")
    names = (NAME, OTHER["name"])
    assert plan.steps == [f"start {names[0]}", f"delete {names[1]}", f"start {names[1]}", "save"]
    assert Plan(resurrect=True, calls=plan.calls).steps == ["resurrect", *plan.steps[:-1]]


@pytest.mark.parametrize("status", ["online", "launching", "waiting restart"])
def test_app_that_is_up_or_on_its_way_is_left_alone(status: str) -> None:
    assert steps("started", [process(status=status)]) == []


@pytest.mark.parametrize("statuses", [["online", "errored"], ["errored", "online"]])
def test_one_process_that_is_down_has_the_app_restarted_or_stopped(statuses: list[str]) -> None:
    running = [process(status=status) for status in statuses]
    assert steps("started", running) == [f"restart {NAME}", "save"]
    assert steps("stopped", running) == [f"stop {NAME}", "save"]
    plan = make_plan([APP], running, [], "stopped")
    assert plan.before == {NAME: {"status": "errored, online"}}


@pytest.mark.parametrize("count", [1, 2, 3])
def test_number_of_processes_is_compared_where_it_is_given(count: int) -> None:
    app = {**APP, "instances": 2}
    plan = make_plan([app], [process()] * count, [saved(process())], "started")
    assert plan.steps == ([] if count == 2 else [f"delete {NAME}", f"start {NAME}", "save"])
    assert plan.before[NAME].get("instances") == (None if count == 2 else count)
    assert plan.after[NAME].get("instances") == (None if count == 2 else 2)
    assert make_plan([app], [], [], "started").before == {NAME: {"status": "absent"}}
    assert make_plan([APP], [process()] * count, [saved(process())], "started").steps == []


@pytest.mark.parametrize(
    ("state", "status", "before", "after"),
    [
        ("started", None, "absent", "online"),
        ("started", "stopped", "stopped", "online"),
        ("restarted", "online", "online", "online"),
        ("stopped", "online", "online", "stopped"),
        ("stopped", None, "absent", "absent"),
        ("absent", "online", "online", "absent"),
        ("absent", None, "absent", "absent"),
    ],
)
def test_diff_tells_the_state_before_and_after(state: str, status: str | None, before: str, after: str) -> None:
    plan = make_plan([APP], [process(status=status)] if status else [], [], state)
    assert (plan.before, plan.after) == ({NAME: {"status": before}}, {NAME: {"status": after}})


def test_diff_tells_each_option_that_differs() -> None:
    app = {**APP, "cwd": "/srv", "environment": {"LEVEL": "debug", "NEW": "1"}, "max_memory_restart": "1G"}
    running = process(env={"LEVEL": "info", "OLD": "2", "PM2_APP_REVISION": "r1", "npm_config": "x", "PATH": "/bin"})
    plan = make_plan([app], [running], [], "started")
    assert plan.before[NAME] == {
        "status": "online",
        "cwd": "/opt/payment",
        "max_memory_restart": 314572800,
        "environment.LEVEL": "not there or another value",
        "environment.NEW": "not there or another value",
        "environment.OLD": "there",
    }
    assert plan.after[NAME] == {
        "status": "online",
        "cwd": "/srv",
        "max_memory_restart": 1073741824,
        "environment.LEVEL": "the value given",
        "environment.NEW": "the value given",
        "environment.OLD": "not there",
    }


@pytest.mark.parametrize(
    ("option", "key", "actual", "other"),
    [
        ("interpreter_args", "node_args", ["--trace"], []),
        ("exec_mode", "exec_mode", "cluster_mode", "fork"),
        ("max_restarts", "max_restarts", 5, 6),
        ("min_uptime", "min_uptime", 1000, 2000),
        ("restart_delay", "restart_delay", 0, 1),
        ("exp_backoff_restart_delay", "exp_backoff_restart_delay", 100, 0),
        ("out_file", "pm_out_log_path", "/var/log/a", "/var/log/b"),
        ("error_file", "pm_err_log_path", "/var/log/a", "/var/log/b"),
        ("log_date_format", "log_date_format", "X", ""),
        ("autorestart", "autorestart", True, False),
        ("merge_logs", "merge_logs", False, True),
    ],
)
def test_option_is_compared_with_where_pm2_keeps_it(option: str, key: str, actual: Any, other: Any) -> None:
    wanted = "cluster" if option == "exec_mode" else actual
    running = process(**{key: actual})
    assert differences({**APP, option: wanted}, running) == {}
    assert differences({**APP, option: other}, running) == {option: (wanted, other)}
    assert set(differences({**APP, option: other}, process(**{key: None}))) == {option}


def test_app_without_arguments_is_one_that_pm2_notes_none_of() -> None:
    assert differences({**APP, "args": []}, process(args=None)) == {}
    assert differences({"name": NAME}, {"name": NAME, "pm2_env": {}}) == {}


@pytest.mark.parametrize("state", ["started", "restarted", "reloaded", "stopped", "absent"])
def test_saved_list_is_brought_back_before_anything_in_it_changes(state: str) -> None:
    is_start = state in ("started", "restarted", "reloaded")
    assert not is_resurrected([], [NAME], state)
    assert is_resurrected([{"name": "other"}], [NAME], state) is is_start
    assert is_resurrected([{"name": "other"}, {"name": NAME}], [NAME], state)
    assert is_resurrected([{}], [NAME], state) is is_start


def test_saved_list_is_planned_on_as_if_it_were_brought_back() -> None:
    dump = [saved(process()), saved(process(OTHER, status="stopped"))]
    assert make_plan([APP, OTHER], as_jlist(dump), dump, "started").steps == [f"restart {OTHER['name']}", "save"]
