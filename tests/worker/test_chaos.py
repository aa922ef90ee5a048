# SPDX-License-Identifier: GPL-3.0-or-later
"""The chaos run of ``tests/chaos``, in small; ``make chaos`` makes the full one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

RUN = Path(__file__).resolve().parents[1] / "chaos/run.py"
LIMIT = 240.0


def test_the_books_balance_after_chaos() -> None:
    command = [sys.executable, str(RUN), "--orders", "1000", "--limit", str(LIMIT)]
    result = subprocess.run(command, check=False, capture_output=True, text=True, timeout=LIMIT + 60)
    assert result.returncode == 0, result.stdout + result.stderr[-4000:]
    assert "chaos: nothing lost, nothing done twice" in result.stdout
