# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.ecommerce.sqs.plugins.module_utils import _progress as progress


class Module:
    def __init__(self) -> None:
        self.logged: list[str] = []

    def log(self, text: str) -> None:
        self.logged.append(text)


def reports_at(*seconds: float) -> list[str]:
    """What is told of one report at each of these times, counted from the start."""
    module, times = Module(), iter([0.0, *(time for time in seconds for _again in range(2))])
    last = [0.0]

    def clock() -> float:
        last[0] = next(times, last[0])
        return last[0]

    report = progress.reporter(module, clock)
    for time in seconds:
        report(f"at {time:g}")
    return module.logged


def test_short_work_says_nothing():
    assert reports_at(1, 2) == []


def test_long_work_tells_how_far_it_has_come():
    assert reports_at(6) == ["at 6"]


def test_the_operator_reads_it_where_somebody_waits_for_it(tmp_path, monkeypatch):
    file = tmp_path / "reports"
    file.write_text("")
    monkeypatch.setenv(progress.VARIABLE, str(file))
    reports_at(6)
    reports_at(7)
    assert file.read_text() == "at 6\nat 7\n"


@pytest.mark.parametrize("name", ["gone", "folder"])
def test_nothing_is_made_where_nobody_waits(tmp_path, monkeypatch, name):
    (tmp_path / "folder").mkdir()
    monkeypatch.setenv(progress.VARIABLE, str(tmp_path / name))
    assert reports_at(6) == ["at 6"]
    assert not (tmp_path / "gone").exists()


def test_counts_are_reported_with_their_label():
    told: list[str] = []
    progress.counting(told.append, "create queues")(3, 10)
    assert told == ["create queues: 3 of 10 done"]
