# SPDX-License-Identifier: GPL-3.0-or-later
"""Metrics and spans over OTLP, with real processes on fauxqs."""

from __future__ import annotations

import signal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from support.command import environment, eventually, started
from support.servers import Emulator


def test_telemetry_is_exported_over_otlp(sqs: Emulator, app: Path) -> None:
    seen: dict[str, bytes] = {}

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            seen[self.path] = seen.get(self.path, b"") + self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_arguments: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        url = sqs.queue("outside-otlp")
        env = environment(sqs, name="otlp-worker", queue_url=url, handler="python:app_handlers:handle", wait_time="1")
        env |= {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{server.server_port}",
            "OTEL_EXPORTER_OTLP_COMPRESSION": "none",
        }
        sqs.client().send_message(QueueUrl=url, MessageBody="x")
        with started(app, env) as worker:
            eventually(lambda: sqs.depth(url) == (0, 0))
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(30) == 0
    finally:
        server.shutdown()
        server.server_close()
    assert b"process outside-otlp" in seen["/v1/traces"]
    assert b"sqs_worker.handled" in seen["/v1/metrics"]
    assert b"otlp-worker" in seen["/v1/metrics"]
