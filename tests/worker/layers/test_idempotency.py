# SPDX-License-Identifier: GPL-3.0-or-later
"""An effect happens once per key."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqs_worker import Message, RetryableError
from sqs_worker.errors import InProgressError
from sqs_worker.idempotency import Store, open_store
from sqs_worker.layers.idempotency import Idempotency, Key
from sqs_worker.observe.metrics import Metrics


def middleware(store: Store, key: str = "message_id", lock: float = 30) -> Idempotency:
    return Idempotency(store, Key(key), lock, "orders", Metrics("w", "orders"))


def test_a_second_delivery_does_not_run_the_handler(tmp_path: Path) -> None:
    layer, runs = middleware(open_store(f"sqlite:///{tmp_path}/k.db", 1000), "json:/order/id"), list[str]()

    async def handle(message: Message) -> None:
        runs.append(message.message_id)

    async def main() -> None:
        for message_id in ("a", "b"):
            await layer.middleware(Message('{"order": {"id": 7}}', message_id), handle)

    asyncio.run(main())
    assert runs == ["a"]


def test_a_failed_run_leaves_the_key_free(tmp_path: Path) -> None:
    layer, runs = middleware(open_store(f"sqlite:///{tmp_path}/k.db", 1000)), list[str]()

    async def handle(message: Message) -> None:
        runs.append(message.message_id)
        if len(runs) == 1:
            raise RetryableError("once")

    async def main() -> None:
        with pytest.raises(RetryableError):
            await layer.middleware(Message("x", "a"), handle)
        await layer.middleware(Message("x", "a"), handle)

    asyncio.run(main())
    assert runs == ["a", "a"]


def test_a_delivery_while_another_runs_waits(tmp_path: Path) -> None:
    layer, going_on = middleware(open_store(f"sqlite:///{tmp_path}/k.db", 1000), lock=0.6), asyncio.Event()

    async def handle(_message: Message) -> None:
        await going_on.wait()

    async def main() -> None:
        first = asyncio.create_task(layer.middleware(Message("x", "a"), handle))
        await asyncio.sleep(1.5)  # beyond the lock's time: it must have been prolonged
        with pytest.raises(InProgressError):
            await layer.middleware(Message("x", "a"), handle)
        going_on.set()
        await first

    asyncio.run(main())


@given(st.text(max_size=30))
def test_any_body_has_a_key(body: str) -> None:
    assert Key("body").of(Message(body, "m")) != Key("body").of(Message(body + "x", "m"))
    assert Key("attribute:none").of(Message(body, "m")) == "message_id:m"
