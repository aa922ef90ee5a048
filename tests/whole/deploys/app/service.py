# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""A payment service to deploy: answers /healthz, and takes the worker's messages at /jobs; a release may be broken."""

from __future__ import annotations

import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

BROKEN = Path(__file__).with_name("BROKEN").read_text(encoding="utf-8").strip()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if BROKEN == "hang":
            time.sleep(60)
        self._answer(503 if BROKEN == "health" else 200)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        with Path("data/handled").open("a", encoding="utf-8") as handled:
            handled.write(f"{body}\n")
        self._answer(200)

    def log_message(self, *_arguments: object) -> None:
        """Nothing."""

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()


if BROKEN == "start":
    raise SystemExit("the payment provider's key is not set")
settings = dict(line.partition("=")[::2] for line in Path(".env").read_text(encoding="utf-8").splitlines())
ThreadingHTTPServer(("127.0.0.1", int(settings["PORT"])), Handler).serve_forever()
