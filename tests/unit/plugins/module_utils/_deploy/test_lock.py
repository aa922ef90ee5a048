# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.ecommerce.sqs.plugins.module_utils._deploy.lock import (
    Holder,
    LockedError,
    acquire,
    read,
    reconcile,
    release,
)
from ansible_collections.ecommerce.sqs.plugins.module_utils._host.errors import HostError

OURS = Holder("d1", "ada@build-1", "payment", "2026-11-25 10:02:07 UTC")
THEIRS = replace(OURS, deploy="d2", who="bob@build-2")


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "lock")


def take(path: str, holder: Holder, *, wait: float = 0, break_lock: bool = False) -> bool:
    return acquire(path, holder, wait=wait, break_lock=break_lock)


def test_free_lock_is_taken_once_and_given_up(path: str) -> None:
    assert take(path, OURS)
    assert not take(path, OURS)
    assert read(path) == OURS
    assert release(path, OURS.deploy)
    assert not release(path, OURS.deploy)
    assert read(path) is None


def test_lock_of_another_says_whose_it_is_and_the_way_out(path: str) -> None:
    take(path, THEIRS)
    with pytest.raises(LockedError, match=r"bob@build-2 deploys payment here since 2026.*deploy_break_lock=true"):
        take(path, OURS)
    assert not release(path, OURS.deploy)
    assert read(path) == THEIRS


def test_lock_of_a_dead_deploy_is_taken_over_on_request(path: str) -> None:
    take(path, THEIRS)
    assert take(path, OURS, break_lock=True)
    assert read(path) == OURS


def test_lock_that_is_given_up_meanwhile_is_waited_for(path: str) -> None:
    take(path, THEIRS)
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(take, path, OURS, wait=30)
        release(path, THEIRS.deploy)
        assert waiting.result(timeout=30)
    assert read(path) == OURS


def test_only_one_of_many_gets_it_and_nothing_else_is_left(path: str) -> None:
    def attempt(number: int) -> bool:
        try:
            return take(path, replace(OURS, deploy=f"d{number}"))
        except LockedError:
            return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, range(8))) == 1
    assert [entry.name for entry in Path(path).parent.iterdir()] == ["lock"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"who": "ada"}', "ada, call me"])
def test_lock_that_is_no_lock_of_ours_locks_and_can_be_taken_over(path: str, text: str) -> None:
    Path(path).write_text(text, encoding="utf-8")
    with pytest.raises(LockedError, match=r"somebody deploys something here since an unknown time.*deploy_break_lock"):
        take(path, OURS)
    assert Path(path).read_text(encoding="utf-8") == text
    assert take(path, OURS, break_lock=True)
    assert read(path) == OURS


def test_what_a_killed_run_left_beside_the_lock_is_removed(path: str) -> None:
    leftover = Path(path).parent / ".lock.abcd1234"
    leftover.write_text("{", encoding="utf-8")
    take(path, OURS)
    assert not leftover.exists()


def asked(path: str, state: str = "held", *, check_mode: bool = False, **more: Any) -> dict[str, Any]:
    params = {"path": path, "state": state, "deploy": "d1", "who": "ada@build-1", "what": "payment", "wait": 0}
    return reconcile({**params, "break_lock": False, **more}, check_mode=check_mode)


def test_a_deploy_holds_its_lock_until_it_gives_it_up(path: str) -> None:
    assert asked(path) == {"changed": True, "path": path}
    assert asked(path)["changed"] is False
    holder = read(path)
    assert holder is not None
    assert (holder.deploy, holder.who, holder.what) == ("d1", "ada@build-1", "payment")
    with pytest.raises(LockedError, match="ada@build-1 deploys payment here since"):
        asked(path, deploy="d2")
    assert asked(path, "free", deploy="d2")["changed"] is False
    assert asked(path, "free")["changed"] is True
    assert read(path) is None


def test_check_mode_says_what_would_change_and_leaves_the_lock(path: str) -> None:
    assert asked(path, check_mode=True)["changed"]
    assert not asked(path, "free", check_mode=True)["changed"]
    assert read(path) is None
    asked(path)
    assert not asked(path, check_mode=True)["changed"]
    assert asked(path, "free", check_mode=True)["changed"]
    assert read(path) is not None


def test_what_cannot_be_a_lock_is_named(tmp_path: Path) -> None:
    with pytest.raises(HostError, match=r"gone/lock: its folder is not there.*playbooks/hosts.yml"):
        asked(str(tmp_path / "gone" / "lock"))
    with pytest.raises(HostError, match=f"{tmp_path} cannot be used as a lock"):
        asked(str(tmp_path))
