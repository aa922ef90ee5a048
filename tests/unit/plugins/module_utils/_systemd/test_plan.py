# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.ecommerce.sqs.plugins.module_utils._systemd.plan import (
    Actual,
    SystemdError,
    Wanted,
    check_names,
    make_plan,
)

PLAIN = Wanted("pay.service", "[Service]\nExecStart=/bin/true\n", "r1")
SEVERAL = Wanted("pay@.service", "[Service]\nExecStart=/bin/true\n", "r1", instances=2)


def running(unit: Wanted) -> dict[str, Actual]:
    return {name: Actual("active", enabled=True, stamp=unit.stamp) for name in unit.runs}


def steps(unit: Wanted, text: str | None, actual: dict[str, Actual]) -> list[str]:
    return make_plan([unit], {unit.name: text}, actual).steps


def test_new_unit_is_written_enabled_and_started() -> None:
    assert steps(PLAIN, None, {}) == ["write pay.service", "reload", "enable pay.service", "start pay.service"]
    assert steps(SEVERAL, None, {})[2:] == [
        "enable pay@1.service", "enable pay@2.service", "start pay@1.service", "start pay@2.service",
    ]  # fmt: skip


def test_what_is_written_is_the_file_and_what_it_was_started_from() -> None:
    plan = make_plan([PLAIN], {PLAIN.name: None}, {})
    assert plan.write == {PLAIN.name: PLAIN.text}
    assert PLAIN.text.startswith(PLAIN.content)
    assert PLAIN.text.endswith(f"\n[Service]\nEnvironment=UNIT_REVISION={PLAIN.stamp}\n")
    assert len({replace(PLAIN, revision="r2").stamp, replace(PLAIN, content="[Service]\n").stamp, PLAIN.stamp}) == 3


@pytest.mark.parametrize("unit", [PLAIN, SEVERAL])
def test_unit_as_wanted_is_left_alone(unit: Wanted) -> None:
    assert steps(unit, unit.text, running(unit)) == []


@pytest.mark.parametrize("change", [{"content": "[Service]\nExecStart=/bin/false\n"}, {"revision": "r2"}])
def test_another_file_or_revision_restarts_it(change: dict[str, str]) -> None:
    other = replace(PLAIN, **change)
    assert steps(other, PLAIN.text, running(PLAIN)) == ["write pay.service", "reload", "restart pay.service"]


def test_unit_that_may_not_be_restarted_keeps_its_process_and_is_started_only_when_it_is_down() -> None:
    other = replace(PLAIN, revision="r2", restart=False)
    assert steps(other, PLAIN.text, running(PLAIN)) == ["write pay.service", "reload"]
    assert steps(other, other.text, running(PLAIN)) == []
    assert steps(other, other.text, {PLAIN.name: Actual("failed", enabled=True)}) == ["start pay.service"]


def test_run_killed_after_the_file_was_written_is_finished_by_the_next() -> None:
    new = replace(PLAIN, revision="r2")
    behind = {PLAIN.name: replace(running(PLAIN)[PLAIN.name], needs_reload=True)}
    assert steps(new, new.text, behind) == ["reload", "restart pay.service"]
    assert steps(new, new.text, running(PLAIN)) == ["restart pay.service"]


@pytest.mark.parametrize("state", ["inactive", "failed", "deactivating"])
def test_unit_that_is_down_is_started(state: str) -> None:
    assert steps(PLAIN, PLAIN.text, {PLAIN.name: Actual(state, enabled=True)}) == ["start pay.service"]


@pytest.mark.parametrize("state", ["active", "activating", "reloading"])
def test_unit_that_is_up_or_on_its_way_is_not_started_again(state: str) -> None:
    assert steps(PLAIN, PLAIN.text, {PLAIN.name: replace(running(PLAIN)[PLAIN.name], active=state)}) == []


def test_instances_beyond_the_number_go() -> None:
    fewer = replace(SEVERAL, instances=1)
    assert steps(fewer, SEVERAL.text, running(SEVERAL)) == ["stop and disable pay@2.service"]


def test_unwanted_units_are_stopped_and_their_files_erased_before_anything_starts() -> None:
    plan = make_plan(
        [PLAIN], {PLAIN.name: None}, {}, {"pm2-shop.service": ["pm2-shop.service"], "old@.service": ["old@1.service"]}
    )
    assert plan.steps == [
        "write pay.service", "reload", "stop and disable pm2-shop.service", "stop and disable old@1.service",
        "erase pm2-shop.service", "erase old@.service", "enable pay.service", "start pay.service",
    ]  # fmt: skip


def test_what_several_units_have_too_much_goes_together() -> None:
    other = replace(SEVERAL, name="ship@.service", instances=1)
    plan = make_plan(
        [replace(SEVERAL, instances=1), other],
        {SEVERAL.name: SEVERAL.text, other.name: other.text},
        {**running(SEVERAL), **running(replace(other, instances=3))},
        {"old.service": ["old.service"]},
    )
    assert plan.remove == ["old.service", "pay@2.service", "ship@2.service", "ship@3.service"]
    assert plan.steps == [*(f"stop and disable {name}" for name in plan.remove), "erase old.service"]


def test_instances_of_another_unit_are_not_taken_away() -> None:
    others = {"payment@1.service": Actual("active", enabled=True), "pay.service": Actual("active", enabled=True)}
    assert steps(SEVERAL, SEVERAL.text, {**running(SEVERAL), **others}) == []


def test_one_unit_that_systemd_has_not_read_anew_has_all_read_anew() -> None:
    behind = {PLAIN.name: replace(running(PLAIN)[PLAIN.name], needs_reload=True)}
    files = {PLAIN.name: PLAIN.text, SEVERAL.name: SEVERAL.text}
    assert make_plan([PLAIN, SEVERAL], files, {**behind, **running(SEVERAL)}).steps == ["reload"]


@pytest.mark.parametrize(
    "name", ["pay", "pay.timer", "pay.service/x", "/etc/pay.service", "x/pay.service", "pay.SERVICE"]
)
def test_names_that_are_no_units_are_named_all_of_them(name: str) -> None:
    check_names(["pay.service", "pay@.service"])
    with pytest.raises(SystemdError, match=f"{name}, other:"):
        check_names(["pay.service", name, "other"])
