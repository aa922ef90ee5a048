# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``tests/run`` does with checks: each ends, however it came to that, and leaves no process behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from checkout import ROOT

LIMIT = 600  # seconds, of something that hangs


class Fakes:
    """Checks of a test's own, and the processes that these left."""

    def __init__(self, folder: Path) -> None:
        self.mark = f"checks-{uuid.uuid4().hex}"
        self._folder = folder

    def begin(self, *options: str, **commands: str) -> subprocess.Popen[str]:
        """Start ``tests/run`` with checks of these names and commands."""
        path = self._folder / "checks.yml"
        path.write_text(yaml.safe_dump([{"name": name, "command": command} for name, command in commands.items()]))
        return subprocess.Popen(
            [sys.executable, ROOT / "tests/run", "--checks", path, "--logs", self._folder / "logs", *options],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )  # fmt: skip

    def run(self, *options: str, **commands: str) -> tuple[int, str]:
        """Let ``tests/run`` do such checks; its exit status and what it prints."""
        run = self.begin(*options, **commands)
        printed, _unused = run.communicate(timeout=LIMIT)
        return run.returncode, printed

    def process(self, name: str, *, forgetful: bool = False) -> str:
        """A command that runs until it is killed and says when it is up; a forgetful one has no environment of ours."""
        program = f"trap '' HUP INT TERM; touch {self._folder / name}; while :; do sleep 600; done"
        forget = "env --ignore-environment " if forgetful else ""
        return f'{forget}bash -c "{program}" {self.mark}'

    def await_up(self, *names: str) -> None:
        """Wait until these processes are up."""
        deadline = time.monotonic() + LIMIT
        while not all((self._folder / name).exists() for name in names):
            assert time.monotonic() < deadline, names
            time.sleep(0.05)

    def left(self) -> list[int]:
        """The processes of the checks that are there."""
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                if self.mark in path.read_text():
                    found.append(int(path.parent.name))
            except OSError:
                continue
        return found


@pytest.fixture
def fakes(tmp_path: Path) -> Iterator[Fakes]:
    fakes = Fakes(tmp_path)
    yield fakes
    for pid in fakes.left():
        os.kill(pid, signal.SIGKILL)


class Hidden(NamedTuple):
    """A way in which a process gets out of sight of the check that started it."""

    name: str
    start: Callable[[Fakes], str]


WAYS = [
    Hidden("child", lambda fakes: fakes.process("child")),
    Hidden("session", lambda fakes: f"setsid {fakes.process('session')}"),
    Hidden("daemon", lambda fakes: f"setsid --fork setsid --fork {fakes.process('daemon')}"),
    Hidden("forgetful", lambda fakes: f"setsid --fork {fakes.process('forgetful', forgetful=True)}"),
]


def until(path: Path) -> str:
    """A command that waits for a file."""
    return f"while [ ! -e {path} ]; do sleep 0.1; done"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_run_leaves_no_process(fakes: Fakes, number: signal.Signals) -> None:
    run = fakes.begin(
        started="; ".join(f"({way.start(fakes)}) &" for way in WAYS).replace("&;", "&") + " wait; sleep 600"
    )
    fakes.await_up(*(way.name for way in WAYS))
    run.send_signal(number)
    printed, _unused = run.communicate(timeout=LIMIT)
    assert run.returncode == 128 + number, printed
    assert fakes.left() == [], printed


def test_checks_end_with_a_run_that_is_killed(fakes: Fakes) -> None:
    run = fakes.begin(**{way.name: f"{way.start(fakes)}; sleep 600" for way in WAYS[:2]})
    fakes.await_up("child", "session")
    run.kill()
    run.communicate(timeout=LIMIT)
    deadline = time.monotonic() + LIMIT
    while fakes.left():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.parametrize("status", [0, 3])
def test_a_check_that_ends_leaves_no_process(fakes: Fakes, status: int, tmp_path: Path) -> None:
    started = [f"({way.start(fakes)}) & {until(tmp_path / way.name)}" for way in WAYS]
    code, printed = fakes.run(leaving="; ".join([*started, f"exit {status}"]))
    assert code == (1 if status else 0), printed
    assert fakes.left() == []


def test_a_check_without_progress_is_ended_and_the_others_go_on(fakes: Fakes) -> None:
    code, printed = fakes.run("--quiet", "2", hangs=fakes.process("hangs"), fine="sleep 1")
    outcomes = {line.split()[0]: line.split()[1] for line in printed.splitlines() if len(line.split()) > 1}
    assert code == 1
    assert (outcomes["hangs"], outcomes["fine"]) == ("FAILED", "passed"), printed
    assert "no progress" in printed
    assert fakes.left() == []


@pytest.mark.parametrize(
    "command",
    [
        pytest.param("for n in 1 2 3 4 5 6; do sleep 1; echo $n; done", id="prints"),
        pytest.param("timeout 6 setsid bash -c 'while :; do :; done' || true", id="computes"),
    ],
)
def test_a_check_that_gets_on_may_take_its_time(fakes: Fakes, command: str) -> None:
    code, printed = fakes.run("--quiet", "2", slow=command)
    assert code == 0, printed


def test_the_slowest_tests_are_named(fakes: Fakes, tmp_path: Path) -> None:
    test = tmp_path / "test_slow.py"
    test.write_text("import time\n\ndef test_sleeps():\n    time.sleep(1.5)\n\ndef test_does_not():\n    pass\n")
    code, printed = fakes.run(first=f"pytest {test}")
    named = printed.partition("the slowest tests:")[2].partition("\n\n")[0]
    assert code == 0, printed
    assert "test_sleeps" in named
    assert "test_does_not" not in named
