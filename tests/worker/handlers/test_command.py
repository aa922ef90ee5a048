# SPDX-License-Identifier: GPL-3.0-or-later
"""A command as handler."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

import pytest
from support.messages import MESSAGE

from sqs_worker import ConfigurationError, FatalError, RetryableError
from sqs_worker.handlers import load
from sqs_worker.handlers.command import CommandHandler
from sqs_worker.settings import Settings


def command(script: str, tmp_path: Path) -> CommandHandler:
    path = tmp_path / "job.py"
    path.write_text(script)
    return CommandHandler(f"{sys.executable} {path}")


def test_a_command_gets_body_and_attributes(tmp_path: Path) -> None:
    out = tmp_path / "out"
    script = f"""
import os, sys
with open({str(out)!r}, "w") as out:
    out.write(sys.stdin.read() + os.environ["SQS_MESSAGE_ID"] + os.environ["SQS_RECEIVE_COUNT"])
"""
    asyncio.run(command(script, tmp_path)(MESSAGE))
    assert out.read_text() == '{"order": "Ærø"}id-12'


def test_a_commands_exit_status_decides(tmp_path: Path) -> None:
    with pytest.raises(FatalError, match="exited with 65: cannot read"):
        asyncio.run(command("print('cannot read'); raise SystemExit(65)", tmp_path)(MESSAGE))
    with pytest.raises(RetryableError, match="exited with 3"):
        asyncio.run(command("raise SystemExit(3)", tmp_path)(MESSAGE))


@pytest.mark.parametrize("ignoring", ["parent and child", "child alone"])
def test_a_command_that_is_given_up_is_ended_with_its_children(tmp_path: Path, ignoring: str) -> None:
    pid_file = tmp_path / "pid"
    script = f"""
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen(["sleep", "1000"])
if {ignoring!r} == "child alone":
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
open({str(pid_file)!r}, "w").write(f"{{os.getpid()}} {{child.pid}}")
time.sleep(1000)
"""

    async def main() -> None:
        running = asyncio.create_task(command(script, tmp_path)(MESSAGE))
        while not pid_file.exists() or not pid_file.read_text():
            await asyncio.sleep(0.02)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(main())
    for pid in pid_file.read_text().split():
        # A kill is carried out when the kernel next runs the process; a survivor would sleep on.
        ended = time.monotonic() + 30
        while _runs(pid) and time.monotonic() < ended:
            time.sleep(0.02)
        assert not _runs(pid)


def _runs(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False


def test_output_of_any_length_is_cut_to_its_end(tmp_path: Path) -> None:
    with pytest.raises(RetryableError) as error:
        asyncio.run(command("print('x' * 10_000_000 + 'the end'); raise SystemExit(1)", tmp_path)(MESSAGE))
    assert str(error.value).endswith("the end")
    assert len(str(error.value)) < 2000


def test_a_program_that_does_not_exist_is_a_configuration_error() -> None:
    settings = Settings(queue_url="https://sqs.example/1/q", handler="command:/no/such/program --x")
    with pytest.raises(ConfigurationError, match="there is no program '/no/such/program'"):
        load(settings)
