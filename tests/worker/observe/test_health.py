# SPDX-License-Identifier: GPL-3.0-or-later
"""/healthz and /readyz, with real processes."""

from __future__ import annotations

import socket
from pathlib import Path

from support.command import environment, eventually, free_port, get, run, started
from support.servers import Emulator


def test_a_taken_health_port_is_named(sqs: Emulator, app: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        env = environment(
            sqs, queue_url=sqs.queue("outside-taken"), handler="python:app_handlers:handle", health_address=address
        )
        result = run(["run"], app, env)
    assert result.returncode == 2
    assert f"SQS_WORKER_HEALTH_ADDRESS: {address}: Address already in use" in result.stderr


def test_readiness_is_lost_with_the_endpoint(app: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    endpoint = f"http://127.0.0.1:{free_port()}"
    env = environment(
        Emulator(endpoint), queue_url=f"{endpoint}/1/q", handler="python:app_handlers:handle", health_address=address
    )
    with started(app, env):
        status, text = eventually(lambda: (answer := get(address, "/readyz"))[0] and answer)
        assert status == 503
        assert "did not answer" in text
        assert get(address, "/healthz")[0] == 200, "a restart would not help"
