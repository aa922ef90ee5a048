# SPDX-License-Identifier: GPL-3.0-or-later
"""The chaos run of ``tests/load/chaos``, in small; ``make chaos`` makes the full one."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from checkout import ROOT, WORKER

pytestmark = pytest.mark.slow

RUN = ROOT / "tests/load/chaos/run.py"
IMPORTS = os.pathsep.join(map(str, (ROOT / "tests", ROOT / "tests/worker", WORKER)))
LIMIT = 1800.0


def test_the_books_balance_after_chaos() -> None:
    command = [sys.executable, str(RUN), "--orders", "1000", "--limit", str(LIMIT)]
    environment = {**os.environ, "PYTHONPATH": IMPORTS}
    result = subprocess.run(command, env=environment, check=False, capture_output=True, text=True, timeout=LIMIT + 60)
    assert result.returncode == 0, result.stdout + result.stderr[-4000:]
    assert "chaos: nothing lost, nothing done twice" in result.stdout
