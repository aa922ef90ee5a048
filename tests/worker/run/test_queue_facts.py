# SPDX-License-Identifier: GPL-3.0-or-later
"""What a worker needs to know of its queue before it starts; in virtual time."""

from __future__ import annotations

import asyncio

import pytest
from support.harness import QUEUE, nothing, standard, until, working
from support.virtual import now, run

from sqs_worker import ConfigurationError
from sqs_worker.errors import ApiError


def test_a_queue_that_does_not_exist_is_one_clear_error() -> None:
    async def main() -> None:
        sqs = standard()
        with pytest.raises(ConfigurationError, match="SQS_WORKER_QUEUE_URL: there is no such queue"):
            async with working(sqs, nothing, queue_url="https://sqs.example/1/other"):
                await asyncio.sleep(10)

    run(main())


def test_a_start_waits_for_an_endpoint_that_does_not_answer() -> None:
    async def main() -> None:
        sqs, up_at = standard(), now() + 120
        sqs.fault = lambda operation, _p: (
            ApiError(operation, "ConnectionError", "refused", retryable=True) if now() < up_at else None
        )
        sqs.send(QUEUE, "x")
        async with working(sqs, nothing):
            await until(lambda: not sqs.queues[QUEUE].messages, 200)

    run(main())
