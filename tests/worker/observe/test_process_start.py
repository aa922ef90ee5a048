# SPDX-License-Identifier: GPL-3.0-or-later
"""Worker and deploy tell a process from a later one with its number alike, though neither can import the other."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from checkout import ROOT
from sqs_worker.observe.note import Note, process_start

start_time = runpy.run_path(str(ROOT / "plugins/module_utils/_host/process.py"))["start_time"]
BOTH = pytest.mark.parametrize("started", [process_start, start_time], ids=["worker", "deploy"])
Started = Callable[[int], str | None]
RENAME = (
    "import pathlib, sys, time; pathlib.Path('/proc/self/comm').write_bytes({!r}); print(flush=True); time.sleep(60)"
)


@pytest.fixture
def running() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield process
    process.kill()
    process.wait()


@pytest.fixture
def zombie() -> Iterator[subprocess.Popen[bytes]]:
    """A process that has ended, of whose end its parent has taken no note."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    yield process
    process.wait()


@BOTH
def test_a_process_that_runs_has_a_start_that_stays(started: Started, running: subprocess.Popen[bytes]) -> None:
    assert started(running.pid) is not None
    assert started(running.pid) == started(running.pid)
    assert int(started(running.pid) or "") >= int(started(os.getpid()) or "")


@BOTH
def test_a_process_that_nobody_has_taken_note_of_has_ended(started: Started, zombie: subprocess.Popen[bytes]) -> None:
    assert Path(f"/proc/{zombie.pid}").exists()
    assert started(zombie.pid) is None


@BOTH
def test_a_number_that_no_process_has_has_no_start(started: Started, running: subprocess.Popen[bytes]) -> None:
    running.kill()
    running.wait()
    assert started(running.pid) is None


@BOTH
@pytest.mark.parametrize("name", [b"a b) Z 1 2", "Bestellungen--ü".encode()[:15], b"((", b"\xff\xfe"])
def test_a_program_may_have_any_name(started: Started, name: bytes) -> None:
    """The kernel cuts names at 15 bytes, so also within a character."""
    with subprocess.Popen([sys.executable, "-c", RENAME.format(name)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            assert int(started(process.pid) or "") >= int(started(os.getpid()) or "")
        finally:
            process.kill()


def test_both_mean_the_same_number(running: subprocess.Popen[bytes]) -> None:
    assert process_start(running.pid) == start_time(running.pid)


def test_the_note_of_a_process_that_has_ended_is_taken_away(tmp_path: Path, zombie: subprocess.Popen[bytes]) -> None:
    left = tmp_path / f"w.{zombie.pid}.json"
    left.write_text("{}")
    Note(str(tmp_path), "w").begin()
    assert not left.exists()
