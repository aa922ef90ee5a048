# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""The slowest tests of a run, from what pytest wrote of them: lines of --durations, and JUnit files."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

DURATION = re.compile(r"^\s*(\d+\.\d+)s (?:call|setup|teardown)\s+(\S.*?)\s*$", re.MULTILINE)


def of_log(text: str) -> Iterator[tuple[str, float]]:
    """Each part of a test that pytest's --durations printed, with its seconds."""
    for seconds, test in DURATION.findall(text):
        yield test, float(seconds)


def of_junit(path: Path) -> Iterator[tuple[str, float]]:
    """Each test of a JUnit file, with its seconds."""
    for case in ET.parse(path).iter("testcase"):  # noqa: S314 - written by this run's pytest
        yield f"{case.get('classname')}::{case.get('name')}", float(case.get("time") or 0)


def table(parts: Iterable[tuple[str, float]], count: int = 10) -> list[str]:
    """The tests that took longest, a line each; a test's set-up and tear-down count for it."""
    seconds: Counter[str] = Counter()
    for test, each in parts:
        seconds[test] += each  # type: ignore[assignment]
    return [f"{taken:8.1f} s  {test}" for test, taken in seconds.most_common(count)]
