# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json

import pytest

from ansible_collections.ecommerce.sqs.plugins.module_utils._pm2.plan import (
    Pm2Error,
    check_apps,
    definition,
    is_name,
    parse_list,
    size_in_bytes,
    summary,
)
from ansible_collections.ecommerce.sqs.tests.unit.support.pm2_processes import APP, NAME, OTHER, process


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


def test_definition_is_what_was_given_with_sizes_in_bytes_and_text_as_environment() -> None:
    app = {"name": "a", "script": "/bin/a", "cwd": None, "max_memory_restart": "1K", "autorestart": False}
    assert definition({**app, "environment": {"N": 1}, "revision": "r1"}) == {
        "name": "a",
        "script": "/bin/a",
        "max_memory_restart": 1024,
        "autorestart": False,
        "env": {"N": "1", "PM2_APP_REVISION": "r1"},
    }
    assert definition({"name": "a", "max_memory_restart": None, "environment": None}) == {"name": "a", "env": {}}


def test_summary_has_what_an_operator_asks_for() -> None:
    running = process(restart_time=3, unstable_restarts=2, username="shop", max_restarts=16)
    found = summary(running)
    assert found["started_at"] == 1000
    assert {key: found[key] for key in ("name", "id", "pid", "status", "restarts", "unstable_restarts")} == {
        "name": NAME,
        "id": 0,
        "pid": 4711,
        "status": "online",
        "restarts": 3,
        "unstable_restarts": 2,
    }
    assert (found["memory"], found["user"], found["revision"], found["exec_mode"]) == (1, "shop", "r1", "fork")
    assert (found["script"], found["cwd"], found["max_restarts"]) == (APP["script"], "/opt/payment", 16)
    bare = summary({"name": "a", "pm_id": 1, "pid": 0, "pm2_env": {}})
    numbers = ("restarts", "unstable_restarts", "started_at", "memory")
    assert [bare[key] for key in numbers] == [0, 0, 0, 0]
    assert [bare[key] for key in ("pid", "status", "user", "revision", "exec_mode", "script")] == [None] * 6


@pytest.mark.parametrize(
    ("size", "expected"), [("1B", 1), ("3MB", 3145728), (" 2K ", 2048), ("0", 0), ("10g", 10737418240)]
)
def test_sizes_may_have_a_b_and_blanks_around(size: str, expected: int) -> None:
    assert size_in_bytes(size) == expected


def test_last_list_that_is_one_is_taken() -> None:
    assert parse_list('[{"name": "a"}]\n[PM2] done\n[{"name": \n') == [{"name": "a"}]
    assert parse_list('[{"name": "a"}]\n[{"name": "b"}]\n[1]\n') == [{"name": "b"}]
    assert parse_list("[]") == []


def test_what_was_printed_instead_of_a_list_is_shown_at_its_end() -> None:
    with pytest.raises(Pm2Error, match=r"but: x{497}end$"):
        parse_list("  " + "x" * 600 + "end\n")[:0]
    with pytest.raises(Pm2Error, match=r"but: nothing$"):
        parse_list(" \n")


@pytest.mark.parametrize("state", ["started", "restarted", "reloaded"])
def test_app_is_started_from_a_program_with_absolute_paths(state: str) -> None:
    check_apps([APP, OTHER, {**APP, "name": "node", "script": "node", "out_file": "/a", "error_file": "/b"}], state)
    for missing in ({"script": None}, {"script": ""}):
        with pytest.raises(Pm2Error, match=f"^{NAME}: script is missing"):
            check_apps([{**APP, **missing}], state)
    with pytest.raises(Pm2Error, match=f"^{NAME}: script is missing"):
        check_apps([{"name": NAME}], state)


@pytest.mark.parametrize("state", ["stopped", "absent"])
def test_app_that_goes_needs_no_program(state: str) -> None:
    check_apps([{"name": NAME, "script": None, "cwd": None}], state)


@pytest.mark.parametrize("option", ["script", "cwd", "out_file", "error_file"])
@pytest.mark.parametrize("state", ["started", "absent"])
def test_relative_path_is_named_with_its_option(option: str, state: str) -> None:
    with pytest.raises(Pm2Error, match=f"^{NAME}: {option} is logs/a: give an absolute path$"):
        check_apps([{**APP, option: "logs/a"}], state)
    if option != "script":
        with pytest.raises(Pm2Error, match=f"{option} is a: give"):
            check_apps([{**APP, option: "a"}], state)


def test_every_app_that_cannot_be_is_named() -> None:
    apps = [APP, APP, APP, {"name": "b", "cwd": "x", "out_file": "y"}, OTHER, {"name": "a"}, {"name": "a"}]
    with pytest.raises(Pm2Error) as caught:
        check_apps(apps, "started")
    assert [problem.split(":")[0] for problem in str(caught.value).split("; ")] == ["a", NAME, "b", "b", "b", "a", "a"]


def test_name_of_a_program_has_no_folder_in_it() -> None:
    assert is_name("node")
    assert not is_name("/usr/bin/node")
    assert not is_name("bin/node")
