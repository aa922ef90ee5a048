# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a newcomer waits: the first and the second ``make demo``, and ``make setup-dev`` beside the same by pip.

usage: PYTHONPATH=tests python tests/load/bench/setup_bench.py

Each is timed in a clone of its own with an empty home, so nothing is cached but what the machine itself has. Prints a
table, then one line a figure, ``bench NAME VALUE``, in seconds. The demo's ports have to be free.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from checkout import ROOT

LIMIT = 3600  # seconds, of something that hangs
# What would lead to caches that are not in the home.
ELSEWHERE = ("UV_CACHE_DIR", "PIP_CACHE_DIR", "NPM_CONFIG_CACHE", "npm_config_cache", "XDG_CACHE_HOME", "VIRTUAL_ENV")
LISTED = (
    ("setup-dev", "make setup-dev"),
    ("setup-by-pip", "the same packages by pip"),
    ("demo-first", "make demo, from nothing"),
    ("demo-second", "make demo, once more"),
)


class Newcomer:
    """A clone that nobody has worked in, and a home without caches."""

    def __init__(self, folder: Path) -> None:
        self.clone = folder / "checkout"
        home = folder / "home"
        home.mkdir()
        # The environment of this run is on the PATH of its programs, and no business of the clone's.
        path = os.pathsep.join(each for each in os.environ["PATH"].split(os.pathsep) if not each.startswith(sys.prefix))
        kept = {name: value for name, value in os.environ.items() if name not in ELSEWHERE}
        kept = {name: value for name, value in kept.items() if not name.startswith(("MAKE", "PYTHONPATH"))}
        self._environment = {**kept, "HOME": str(home), "PATH": path}
        self.seconds("git", "clone", "--quiet", str(ROOT), str(self.clone), folder=folder)

    def seconds(self, *command: str, folder: Path | None = None) -> float:
        """Run a command in the clone; how long it took. Raises CalledProcessError."""
        began = time.monotonic()
        subprocess.run(
            command, cwd=folder or self.clone, env=self._environment, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, check=True, timeout=LIMIT,
        )  # fmt: skip
        return time.monotonic() - began


@contextmanager
def newcomer() -> Iterator[Newcomer]:
    """A newcomer, gone afterwards."""
    (ROOT / "build").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=ROOT / "build", prefix="newcomer-") as folder:
        yield Newcomer(Path(folder))


def by_pip(someone: Newcomer) -> float:
    """Seconds that pip takes for what ``make setup-dev`` installs."""
    install = "-m pip install --quiet --no-deps --require-hashes --disable-pip-version-check -r requirements/dev.txt"
    return someone.seconds("python3", "-m", "venv", ".venv") + someone.seconds(".venv/bin/python", *install.split())


def measure() -> dict[str, float]:
    """Every figure, by name. Raises CalledProcessError."""
    figures = {}
    with newcomer() as someone:
        figures["setup-dev"] = someone.seconds("make", "setup-dev")
    with newcomer() as someone:
        figures["setup-by-pip"] = by_pip(someone)
    with newcomer() as someone:
        try:
            figures["demo-first"] = someone.seconds("make", "demo")
            figures["demo-second"] = someone.seconds("make", "demo")
        finally:
            someone.seconds("make", "down")
    return figures


def main() -> int:
    try:
        figures = measure()
    except subprocess.CalledProcessError as error:
        print(f"bench: {' '.join(map(str, error.cmd))} failed:\n{error.stdout[-2000:]}{error.stderr[-2000:]}")
        return 1
    print("\nSetting up, in a new clone with an empty home:\n")
    print("| what | seconds |\n| --- | ---: |")
    for name, what in LISTED:
        print(f"| {what} | {figures[name]:.1f} |")
    print()
    for name, _what in LISTED:
        print(f"bench {name} {figures[name]:.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
