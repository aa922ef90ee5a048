# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts the parts of a worker together, each knowing only those it hands messages on to."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from sqs_worker.backoff import Backoff
from sqs_worker.batch import BATCH_SIZE
from sqs_worker.client import SqsApi
from sqs_worker.handlers.base import Handler
from sqs_worker.layers.middleware import Next
from sqs_worker.observe.metrics import Metrics
from sqs_worker.observe.note import Note
from sqs_worker.observe.pulse import Pulse
from sqs_worker.run.acknowledger import Acknowledger
from sqs_worker.run.breaker import Breaker
from sqs_worker.run.dispatcher import Dispatcher, Rules
from sqs_worker.run.hand import Hand
from sqs_worker.run.heartbeat import Heartbeat
from sqs_worker.run.limits import RateLimit
from sqs_worker.run.poller import Pollers
from sqs_worker.run.queue_facts import QueueFacts
from sqs_worker.settings import Settings


@dataclass(frozen=True, slots=True)
class Parts:
    """What a launcher starts and stops, in the direction a message takes."""

    pollers: Pollers
    dispatcher: Dispatcher
    acknowledger: Acknowledger
    heartbeat: Heartbeat
    hand: Hand


def assemble(
    *,
    settings: Settings,
    facts: QueueFacts,
    api: SqsApi,
    handler: Handler,
    handle: Next,
    pulse: Pulse,
    metrics: Metrics,
    note: Note,
) -> Parts:
    """Parts for these settings; ``handle`` is ``handler`` with its middleware. Needs a running event loop."""
    clock = asyncio.get_running_loop().time
    prefetch = settings.prefetch
    if prefetch is None:
        # With a single receive, giving a prefetched message back would dead-letter it unseen.
        prefetch = 0 if facts.max_receive_count == 1 else min(BATCH_SIZE, settings.concurrency)
    hand = Hand(settings.concurrency + prefetch, facts.visibility_timeout, metrics)
    heartbeat = Heartbeat(api, settings.queue_url, facts.visibility_timeout, metrics)
    acknowledger = Acknowledger(
        api=api,
        queue_url=settings.queue_url,
        dead_letter_queue_url=settings.dead_letter_queue_url,
        hand=hand,
        heartbeat=heartbeat,
        metrics=metrics,
        note=note,
        flush_interval=settings.flush_interval,
    )
    breaker = Breaker(settings.breaker_threshold, Backoff(settings.breaker_pause, settings.breaker_pause_max), clock)
    dispatcher = Dispatcher(
        handler=handler,
        handle=handle,
        hand=hand,
        acknowledger=acknowledger,
        heartbeat=heartbeat,
        breaker=breaker,
        rate=RateLimit(settings.rate, clock),
        backoff=Backoff(settings.backoff_base, settings.backoff_max),
        metrics=metrics,
        note=note,
        rules=Rules(
            fifo=settings.fifo,
            concurrency=settings.concurrency,
            deadline=settings.deadline,
            max_receive_count=facts.max_receive_count,
            breaker_hold=settings.breaker_hold,
        ),
    )
    pollers = Pollers(
        api=api, settings=settings, hand=hand, dispatcher=dispatcher, breaker=breaker, pulse=pulse, metrics=metrics
    )
    pulse.hung = dispatcher.overdue
    metrics.in_hand.set_function(lambda: hand.unfinished)
    metrics.running.set_function(lambda: dispatcher.running)
    metrics.pollers.set_function(lambda: pollers.running)
    return Parts(pollers, dispatcher, acknowledger, heartbeat, hand)
