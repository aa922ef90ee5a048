# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that is killed at any moment is finished by the next: one process, of the new release, with the new settings.

KILLED_RUNS=30 pytest tests/hosts/test_killed_runs.py kills more often than the few times of every test run.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLAY = Path(__file__).parent / "killed" / "play.yml"
KILLS = int(os.environ.get("KILLED_RUNS", "6"))
LONGEST = 4.0  # seconds; about what the play takes when there is something to do
SERVE = "#!/bin/sh\n# release {number}\nexec sleep 600\n"


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a path short enough for PM2's socket; what runs in it is ended at the end."""
    with tempfile.TemporaryDirectory(prefix="killed-", dir="/tmp") as name:
        try:
            yield Path(name)
        finally:
            pm2(Path(name), "kill")


def pm2(folder: Path, *arguments: str) -> str:
    return subprocess.run(
        [folder / "lib/node_modules/.bin/pm2", *arguments],
        env={"PATH": f"{folder}/lib/node/bin:{os.environ['PATH']}", "PM2_HOME": f"{folder}/home", "HOME": str(folder)},
        capture_output=True, text=True, check=True, timeout=60,
    ).stdout  # fmt: skip


def command(folder: Path, greeting: str) -> list[str]:
    return ["ansible-playbook", str(PLAY), "-e", f"folder={folder}", "-e", f"greeting={greeting}"]


def prepare(folder: Path, number: int) -> None:
    serve = folder / "source" / "serve"
    serve.parent.mkdir(exist_ok=True)
    serve.write_text(SERVE.format(number=number))
    serve.chmod(0o755)


def test_killed_run_is_finished_by_the_next(folder: Path) -> None:
    moments = random.Random(20261125)
    prepare(folder, 0)
    subprocess.run(command(folder, "hello"), cwd=ROOT, check=True, timeout=300, capture_output=True)
    for number in range(1, KILLS + 1):
        prepare(folder, number)
        run = subprocess.Popen(
            command(folder, f"hello-{number}"), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        try:
            run.wait(timeout=moments.uniform(0.5, LONGEST))
        except subprocess.TimeoutExpired:
            os.killpg(run.pid, signal.SIGKILL)
            run.wait(timeout=10)
        done = subprocess.run(
            command(folder, f"hello-{number}"), cwd=ROOT, check=False, timeout=120, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout
        assert_finished(folder, number)


def assert_finished(folder: Path, number: int) -> None:
    assert (folder / "shop/.env").read_text() == f"GREETING=hello-{number}\n"
    assert f"# release {number}\n" in (folder / "shop/app/serve").read_text()
    live = (folder / "shop/current").resolve().name
    processes = [
        entry for entry in json.loads(pm2(folder, "jlist").splitlines()[-1]) if entry["name"] == "shop-service"
    ]
    assert [entry["pm2_env"]["status"] for entry in processes] == ["online"]
    assert processes[0]["pm2_env"]["env"]["PM2_APP_REVISION"].startswith(live)
    saved = json.loads((folder / "home/dump.pm2").read_text())
    assert [entry["env"]["PM2_APP_REVISION"] for entry in saved] == [processes[0]["pm2_env"]["env"]["PM2_APP_REVISION"]]
    daemon = (folder / "home/pm2.pid").read_text().strip()
    running = subprocess.run(["pgrep", "--parent", daemon, "sleep"], capture_output=True, text=True, check=True)
    assert len(running.stdout.split()) == 1
