# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.ecommerce.sqs.plugins.module_utils._deploy.worker_notes import Worker, unproven, wait_for_proof


def ticks():
    return Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]


def note(directory, *, pid=None, process=None, **known):
    pid = os.getpid() if pid is None else pid
    content = {
        "pid": pid,
        "process": process or ticks(),
        "polled_at": None,
        "handled_at": None,
        "canary": None,
        **known,
    }
    (directory / f"pay.{pid}.json").write_text(json.dumps(content), encoding="utf-8")


def worker(directory, **values):
    return Worker("pay", str(directory), **values)


def reason(directory, **values):
    judged = worker(directory, **values)
    return unproven(judged, judged.notes())


def test_a_worker_that_does_not_run_has_proven_nothing(tmp_path):
    assert reason(tmp_path / "none") == "pay: 0 of 1 processes run"


def test_each_process_has_to_be_there(tmp_path):
    note(tmp_path, polled_at=1.0)
    assert reason(tmp_path, processes=2) == "pay: 1 of 2 processes run"


def test_a_process_has_to_have_received(tmp_path):
    note(tmp_path)
    assert reason(tmp_path) == f"pay: process {os.getpid()} has not received from its queue yet"


@pytest.mark.parametrize("known", [{"canary": "d-1"}, {"handled_at": 2.0}])
def test_a_canary_or_any_other_message_is_proof(tmp_path, known):
    note(tmp_path, polled_at=1.0, **known)
    assert reason(tmp_path, canary="d-1") is None


def test_the_canary_of_another_deploy_is_none(tmp_path):
    note(tmp_path, polled_at=1.0, canary="d-0")
    assert "got no canary message" in reason(tmp_path, canary="d-1")
    assert reason(tmp_path) is None


def test_notes_of_processes_that_are_gone_do_not_count(tmp_path):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    note(tmp_path, pid=gone.pid, polled_at=1.0)
    note(tmp_path, process="1", polled_at=1.0)
    assert reason(tmp_path) == "pay: 0 of 1 processes run"


@pytest.mark.parametrize("text", ["", "[]", "{", '{"pid": "x"}'])
def test_a_torn_note_does_not_count(tmp_path, text):
    (tmp_path / "pay.1.json").write_text(text, encoding="utf-8")
    assert reason(tmp_path) == "pay: 0 of 1 processes run"


def test_waiting_ends_with_the_proof(tmp_path):
    note(tmp_path, polled_at=1.0)
    assert wait_for_proof([worker(tmp_path)], 60) == []


def test_the_end_of_the_log_is_shown(tmp_path):
    log = tmp_path / "pay.log"
    log.write_text("".join(f"line {number}\n" for number in range(100)), encoding="utf-8")
    shown = worker(tmp_path, log_files=[str(log)]).log()
    assert shown.splitlines()[-1] == "line 99"
    assert "line 79\n" not in shown
