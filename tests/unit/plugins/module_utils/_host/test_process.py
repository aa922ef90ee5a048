# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from ansible_collections.ecommerce.sqs.plugins.module_utils._host.process import start_time


def test_a_process_has_one_start_time_and_another_one_another() -> None:
    assert start_time(os.getpid()) == start_time(os.getpid())
    assert start_time(os.getpid()) != start_time(1)


def test_a_process_that_has_ended_has_none() -> None:
    process = subprocess.Popen(["true"])
    process.wait()
    assert start_time(process.pid) is None


def test_a_process_whose_parent_has_not_taken_note_of_its_end_has_none() -> None:
    with subprocess.Popen(["true"]) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert Path(f"/proc/{process.pid}/stat").exists()
        assert start_time(process.pid) is None


@pytest.mark.parametrize("name", [b"a) Z 1 (b", b"caf\xe9"])
def test_a_process_may_have_any_name(tmp_path: Path, name: bytes) -> None:
    program = os.fsencode(tmp_path / os.fsdecode(name))
    shutil.copy(b"/bin/sleep", program)
    with subprocess.Popen([program, b"60"]) as process:
        try:
            assert int(start_time(process.pid) or 0) >= int(start_time(os.getpid()) or 0)
        finally:
            process.kill()
