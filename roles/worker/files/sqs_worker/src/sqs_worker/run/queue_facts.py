# SPDX-License-Identifier: GPL-3.0-or-later
"""What the worker needs to know of its queue before it starts."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import dataclass

from sqs_worker.backoff import Backoff
from sqs_worker.client import SqsApi
from sqs_worker.errors import ApiError, ConfigurationError
from sqs_worker.observe.pulse import Pulse
from sqs_worker.settings import Settings

log = logging.getLogger(__name__)

DEFAULT_VISIBILITY = 30  # seconds; SQS's own default, when the queue's cannot be read
ABSENT = ("QueueDoesNotExist", "NonExistentQueue")


@dataclass(frozen=True, slots=True)
class QueueFacts:
    """``visibility_timeout`` in seconds; ``max_receive_count`` is None when the queue has no redrive policy."""

    visibility_timeout: float
    max_receive_count: int | None


async def read_queue(api: SqsApi, queue_url: str, *, attempts: int) -> QueueFacts:
    """Read the queue's attributes; raises ApiError."""
    response = await api.call(
        "GetQueueAttributes",
        {"QueueUrl": queue_url, "AttributeNames": ["VisibilityTimeout", "RedrivePolicy"]},
        attempts=attempts,
    )
    attributes = response.get("Attributes") or {}
    redrive = json.loads(attributes.get("RedrivePolicy") or "{}")
    return QueueFacts(
        float(attributes.get("VisibilityTimeout", DEFAULT_VISIBILITY)),
        int(redrive["maxReceiveCount"]) if "maxReceiveCount" in redrive else None,
    )


async def wait_for_queue(api: SqsApi, settings: Settings, pulse: Pulse, stop: asyncio.Event) -> QueueFacts | None:
    """The queue's attributes, waited for while the endpoint does not answer; None when stopped before.

    Raises ConfigurationError when there is no such queue. Without the permission to read them, SQS's defaults serve.
    """
    backoff, tries = Backoff(base=1.0, maximum=20.0), 0
    while not stop.is_set():
        try:
            facts = await read_queue(api, settings.queue_url, attempts=1)
        except ApiError as error:
            if error.code in ABSENT:
                raise ConfigurationError([f"SQS_WORKER_QUEUE_URL: there is no such queue: {error}"]) from error
            if not error.retryable:
                log.warning("queue attributes cannot be read, SQS's defaults are assumed: %s", error)
                return QueueFacts(float(settings.visibility_timeout or DEFAULT_VISIBILITY), None)
            tries += 1
            pulse.failed_poll(str(error))
            log.warning("queue attributes cannot be read yet: %s", error)
            await asyncio.wait({asyncio.ensure_future(stop.wait())}, timeout=backoff.delay(tries))
        else:
            return QueueFacts(float(settings.visibility_timeout or facts.visibility_timeout), facts.max_receive_count)
    return None
