# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from dataclasses import asdict, replace

import pytest

from ansible_collections.ecommerce.sqs.plugins.module_utils._host.local_server import (
    LocalServer,
    LocalServerError,
    await_start,
    is_listening,
    needs_start,
    reconcile,
    running_pid,
    start,
    stop,
)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def server(tmp_path):
    port = free_port()
    argv = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"]
    server = LocalServer(name="web", argv=argv, port=port, directory=tmp_path / "web", lifetime=60)
    yield server
    stop(server)


def test_a_started_server_listens_and_is_not_started_again(server):
    assert needs_start(server)
    pid = start(server)
    assert is_listening(server)
    assert running_pid(server) == pid
    assert not needs_start(server)


def test_a_server_that_is_to_have_another_port_moves_there(server):
    start(server)
    port = free_port()
    moved = replace(server, port=port, argv=[str(port) if word == str(server.port) else word for word in server.argv])
    assert needs_start(moved)
    start(moved)
    assert is_listening(moved)
    assert not is_listening(server)
    assert not needs_start(moved)


def test_a_stopped_server_leaves_neither_process_nor_port(server):
    start(server)
    assert stop(server)
    assert not is_listening(server)
    assert running_pid(server) is None
    assert not stop(server)


def test_a_port_taken_by_a_stranger_is_named(server):
    with (
        socket.create_server(("127.0.0.1", server.port)),
        pytest.raises(LocalServerError, match=f"port {server.port} on 127.0.0.1 is taken"),
    ):
        needs_start(server)


def test_a_process_id_used_again_is_not_mistaken_for_the_server(server):
    server.directory.mkdir()
    server.record_path.write_text(json.dumps({"pid": os.getpid(), "start_time": "1"}), encoding="utf-8")
    assert running_pid(server) is None
    assert needs_start(server)


def test_a_torn_record_counts_as_not_running(server):
    server.directory.mkdir()
    server.record_path.write_text('{"pid": 1', encoding="utf-8")
    assert needs_start(server)


class KilledError(BaseException):
    """Stands for a SIGKILL."""


def test_a_server_whose_starter_is_killed_is_known_to_the_next_run(server, monkeypatch):
    popen = subprocess.Popen

    def start_and_die(*arguments, **options):
        popen(*arguments, **options)
        raise KilledError

    with monkeypatch.context() as killed:
        killed.setattr(subprocess, "Popen", start_and_die)
        with pytest.raises(KilledError):
            start(server)
    while needs_start(server):
        time.sleep(0.05)
    await_start(server)
    assert is_listening(server)


def test_a_program_that_ends_at_once_is_reported_with_its_log(server):
    broken = LocalServer(name="broken", argv=["false"], port=server.port, directory=server.directory)
    with pytest.raises(LocalServerError, match=r"broken ended at once \(status 1\); its log is .*broken\.log"):
        start(broken)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::"])
def test_other_than_loopback_is_refused(tmp_path, host):
    with pytest.raises(LocalServerError, match="loopback addresses only"):
        LocalServer(name="web", argv=[], port=1, directory=tmp_path, host=host)


def asked(server, state, *, check_mode=False):
    params = {**asdict(server), "directory": str(server.directory), "state": state}
    return reconcile(params, check_mode=check_mode)


def test_a_server_is_started_and_stopped_once(server):
    first, second = asked(server, "started"), asked(server, "started")
    assert (first["changed"], second["changed"]) == (True, False)
    assert first["pid"] == second["pid"] == running_pid(server)
    assert first["address"] == f"127.0.0.1:{server.port}"
    first, second = asked(server, "stopped"), asked(server, "stopped")
    assert (first["changed"], second["changed"]) == (True, False)
    assert "pid" not in first
    assert not is_listening(server)


def test_check_mode_starts_and_stops_nothing(server):
    assert asked(server, "started", check_mode=True)["changed"]
    assert not server.directory.exists()
    start(server)
    assert asked(server, "stopped", check_mode=True)["changed"]
    assert is_listening(server)


@pytest.mark.parametrize("record", ["{}", "null", "[]", "1", '{"pid": 1}', '{"pid": "x", "start_time": "1"}'])
def test_a_record_that_names_no_process_counts_as_not_running(server, record):
    server.directory.mkdir()
    server.record_path.write_text(record)
    assert needs_start(server)
    assert not stop(server)


@pytest.mark.parametrize("port", [-1, 0, 65536, 10**12])
def test_a_port_that_there_is_not_is_refused_with_the_limits(server, port):
    with pytest.raises(LocalServerError, match=rf"port {port}; .* 1 to 65535"):
        replace(server, port=port)
