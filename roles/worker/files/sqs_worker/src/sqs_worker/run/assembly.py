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
from sqs_worker.observe.journal import Journal
from sqs_worker.observe.metrics import Metrics
from sqs_worker.observe.note import Note
from sqs_worker.observe.pulse import Pulse
from sqs_worker.run.acknowledger import Acknowledger
from sqs_worker.run.breaker import Breaker
from sqs_worker.run.dispatcher import Dispatcher
from sqs_worker.run.hand import Hand
from sqs_worker.run.heartbeat import Heartbeat
from sqs_worker.run.limits import RateLimit
from sqs_worker.run.outcome import Rules
from sqs_worker.run.poller import Pollers
from sqs_worker.run.queue_facts import QueueFacts
from sqs_worker.run.runs import Runs
from sqs_worker.settings import Settings


@dataclass(frozen=True, slots=True)
class Parts:
    """What a launcher starts and stops, in the direction a message takes."""

    pollers: Pollers
    dispatcher: Dispatcher
    runs: Runs
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
    """Parts for these settings; ``handle`` is ``handler`` with its layers. Needs a running event loop."""
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
    runs = Runs(handler, handle, concurrency=settings.concurrency, deadline=settings.deadline)
    dispatcher = Dispatcher(
        runs=runs,
        hand=hand,
        heartbeat=heartbeat,
        acknowledger=acknowledger,
        breaker=breaker,
        rate=RateLimit(settings.rate, clock),
        rules=Rules(
            fifo=settings.fifo,
            deadline=settings.deadline,
            max_receive_count=facts.max_receive_count,
            can_dead_letter=settings.dead_letter_queue_url is not None,
            breaker_hold=settings.breaker_hold,
            backoff=Backoff(settings.backoff_base, settings.backoff_max).delay,
        ),
        journal=Journal(metrics, note),
    )
    pollers = Pollers(
        api=api, settings=settings, hand=hand, dispatcher=dispatcher, breaker=breaker, pulse=pulse, metrics=metrics
    )
    pulse.hung = runs.overdue
    metrics.in_hand.set_function(lambda: hand.unfinished)
    metrics.running.set_function(lambda: len(runs.tasks))
    metrics.pollers.set_function(lambda: pollers.running)
    return Parts(pollers, dispatcher, runs, acknowledger, heartbeat, hand)
