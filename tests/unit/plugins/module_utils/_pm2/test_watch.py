# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.ecommerce.sqs.plugins.module_utils._pm2.plan import (
    is_stopping,
    make_plan,
    restarts_allowed,
    stop_timeout,
    to_watch,
    unsteady,
)
from ansible_collections.ecommerce.sqs.tests.unit.support.pm2_processes import APP, NAME, OTHER, process


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


def test_time_to_end_is_that_of_all_processes_of_the_app() -> None:
    processes = [
        {"name": "w", "pm2_env": {"kill_timeout": 330_000}},
        {"name": "w", "pm2_env": {"kill_timeout": 330_000}},
        {"name": "other", "pm2_env": {"kill_timeout": 1}},
    ]
    assert stop_timeout(processes, ["w"]) == 660 + 30


def test_time_to_end_is_short_for_what_pm2_says_no_time_of() -> None:
    processes = [{"name": "w", "pm2_env": entry} for entry in ({}, {"kill_timeout": None}, {"kill_timeout": "1600"})]
    assert stop_timeout(processes, ["w"]) == 31.6
    assert stop_timeout(processes, []) == 30


def test_app_is_stopping_while_one_of_its_processes_is() -> None:
    running = [process(), process(status="stopping"), process(OTHER)]
    assert is_stopping(running, [NAME])
    assert not is_stopping(running, [OTHER["name"]])
    assert not is_stopping([process(status="stopped"), {"name": NAME, "pm2_env": {}}], [NAME])


def test_restarts_are_counted_for_what_the_plan_starts_alone() -> None:
    running = [process(restart_time=4), process(OTHER, restart_time=7)]
    plan = make_plan([APP], running, [], "reloaded")
    assert restarts_allowed(plan, running) == {NAME: 5}
    assert restarts_allowed(plan, []) == {NAME: 1}
    assert restarts_allowed(plan, [{"name": NAME, "pm2_env": {}}]) == {NAME: 1}
    for state in ("stopped", "absent"):
        assert restarts_allowed(make_plan([APP], running, [], state), running) == {}
    new = make_plan([{**APP, "revision": "r2"}], running, [], "started")
    assert restarts_allowed(new, running) == {NAME: 0}


def test_app_is_young_for_half_a_minute() -> None:
    for age, is_watched in ((0, True), (29.9, True), (30, False), (31, False)):
        running = process(restart_time=1, pm_uptime=1_000_000)
        assert unsteady([APP], [running], now=1000 + age) == ({NAME: 1} if is_watched else {})
    assert unsteady([APP], [process(restart_time=0, pm_uptime=1_000_000)], now=1000) == {}
    assert unsteady([APP], [process(restart_time=0, status="waiting restart")], now=1000) == {}
    assert unsteady([APP], [{"name": NAME, "pm2_env": {}}], now=1000) == {}
    assert unsteady([APP], [{"name": NAME, "pm2_env": {"restart_time": 2}}], now=31) == {}
    assert unsteady([APP], [{"name": NAME, "pm2_env": {"restart_time": 2}}], now=29.5) == {NAME: 2}


def test_app_that_may_end_is_not_watched() -> None:
    young = process(OTHER, restart_time=3, pm_uptime=1_000_000)
    plan = make_plan([APP], [], [], "started")
    assert to_watch(plan, [APP, OTHER], [young], now=1000) == {NAME: 0, OTHER["name"]: 3}
    once = {**OTHER, "autorestart": False}
    assert to_watch(plan, [{**APP, "autorestart": True}, once], [young], now=1000) == {NAME: 0}
    assert to_watch(plan, [{**APP, "autorestart": None}], [young], now=1000) == {NAME: 0}


def test_app_that_was_unsteady_may_restart_as_often_as_the_plan_says() -> None:
    young = process(restart_time=3, pm_uptime=1_000_000)
    assert to_watch(make_plan([APP], [young], [], "restarted"), [APP], [young], now=1000) == {NAME: 4}
