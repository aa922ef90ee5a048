# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""Orders that flow in at a steady rate, as through a load balancer in front of the order service's hosts."""

from __future__ import annotations

import http.client
import itertools
import json
import threading
import time
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from storefront.demo import order_request

TIMEOUT = 10  # seconds
PARALLEL = 8


class Balancer:
    """Sends each request to the next host in turn, and past a host that refuses, breaks off, or answers 5xx."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self.requests = 0
        self.passed_over = 0
        self.unanswered: list[str] = []
        self._addresses = addresses
        self._turns = itertools.count()
        self._lock = threading.Lock()

    def request(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
        """Return the answer's JSON, or None when no host answered."""
        turn = next(self._turns)
        reasons = []
        for attempt in range(len(self._addresses)):
            address = self._addresses[(turn + attempt) % len(self._addresses)]
            try:
                answer = _ask(address, method, path, body, headers or {})
            except (OSError, http.client.HTTPException, ValueError) as error:
                reasons.append(f"{address}: {type(error).__name__} {error}")
                continue
            with self._lock:
                self.requests += 1
                self.passed_over += attempt > 0
            return answer
        with self._lock:
            self.requests += 1
            self.unanswered.append(f"{time.strftime('%X')} {method} {path}: {', '.join(reasons)}")
        return None


def _ask(address: str, method: str, path: str, body: Any, headers: dict[str, str]) -> Any:
    connection = http.client.HTTPConnection(address, timeout=TIMEOUT)
    try:
        connection.request(method, path, json.dumps(body) if body else None, headers)
        answer = connection.getresponse()
        content = answer.read()
    finally:
        connection.close()
    if answer.status >= 500:
        raise http.client.HTTPException(f"status {answer.status}")
    if answer.status >= 400:
        raise RuntimeError(f"{method} {path}: {answer.status} {content!r}")
    return json.loads(content)


class Orders:
    """Places orders until stopped, and asks after an earlier one each time."""

    def __init__(self, balancer: Balancer, rate: float) -> None:
        self.placed: list[str] = []
        self.failures: list[str] = []
        self._balancer = balancer
        self._interval = 1 / rate
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="orders")

    def __enter__(self) -> Orders:
        self._thread.start()
        return self

    def __exit__(self, *_unused: object) -> None:
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        with ThreadPoolExecutor(PARALLEL) as pool:
            for number in itertools.count():
                if self._stopped.wait(self._interval):
                    break
                pool.submit(self._one, number)

    def _one(self, number: int) -> None:
        headers = {"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}
        try:
            answer = self._balancer.request("POST", "/orders", order_request(number), headers)
            if answer:
                self.placed.append(answer["order_id"])
            if self.placed:
                self._balancer.request("GET", f"/orders/{self.placed[-1]}")
        except Exception as error:
            self.failures.append(f"{type(error).__name__} {error}")
