# SPDX-License-Identifier: GPL-3.0-or-later
"""Stateful property test: workers on the model of SQS, with failures and kills at any time, in virtual time.

Whatever happens: nothing is lost, a group is handled in order and one message at a time, and each message ends
handled or in the dead-letter queue.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from support import harness
from support.fakesqs import FakeSqs
from support.virtual import VirtualLoop

from sqs_worker import FatalError, Message, RetryableError
from sqs_worker.errors import ApiError
from sqs_worker.handlers.function import AsyncFunction
from sqs_worker.run.launcher import Launcher

GROUPS = ("a", "b", "c")
VISIBILITY = 20.0


class Process:
    """A worker that can die: from then on its calls never return, and its handlers never get on."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.dead = False
        self.launcher = Launcher(
            harness.settings(
                world.sqs, backoff_base=2, wait_time=5, drain_timeout=10, concurrency=4, breaker_threshold=0
            ),
            handler=AsyncFunction(self.handle),
            api=self,
        )
        self.task = world.loop.create_task(self.launcher.run())

    async def call(
        self, operation: str, parameters: Mapping[str, Any], *, timeout: float = 10.0, attempts: int = 1
    ) -> dict[str, Any]:
        await self.live()
        answer = await self.world.sqs.call(operation, parameters, timeout=timeout, attempts=attempts)
        await self.live()
        return answer

    async def close(self) -> None:
        """See SqsApi."""

    async def handle(self, message: Message) -> None:
        await self.live()
        await self.world.handle(message, self)

    async def live(self) -> None:
        while self.dead:
            await asyncio.sleep(1e9)


class World(RuleBasedStateMachine):
    """A queue, its workers, and what was sent and done."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = VirtualLoop()
        self.sent: dict[str, str] = {}
        self.done: list[str] = []
        self.running: Counter[str | None] = Counter()
        self.behaviour: dict[str, str] = {}
        self.processes: list[Process] = []
        self.trouble = "none"
        self.sqs: FakeSqs = harness.standard()
        self.queue = self.dead_letters = ""
        self.disturbed = self.restarted = False

    @initialize(fifo=st.booleans())
    def start(self, fifo: bool) -> None:
        self.run(self._start(fifo))

    async def _start(self, fifo: bool) -> None:
        self.sqs = harness.fifo(visibility=VISIBILITY) if fifo else harness.standard(visibility=VISIBILITY)
        self.queue, self.dead_letters = self.sqs.queues
        self.sqs.fault = lambda operation, _p: self._error(operation) if self.trouble == "down" else None
        self.sqs.lost = lambda operation, _p: self._error(operation) if self.trouble == "lost" else None
        self.sqs.refuse_entry = lambda _operation, _entry: False if self.trouble == "entries" else None
        self.processes.append(Process(self))

    @rule(count=st.integers(1, 12), group=st.sampled_from(GROUPS), behaviour=st.sampled_from(
        ["ok", "ok", "ok", "slow", "fails once", "poison", "fatal"]))  # fmt: skip
    def send(self, count: int, group: str, behaviour: str) -> None:
        async def sending() -> None:
            for number in range(count):
                body = f"{group}{len(self.sent):04}"
                self.sent[body] = group
                self.behaviour[body] = behaviour if number == 0 else "ok"
                if self.queue.endswith(".fifo"):
                    self.sqs.send(self.queue, body, group, body)
                else:
                    self.sqs.send(self.queue, body)

        self.run(sending())

    @rule(seconds=st.sampled_from([0.01, 0.5, 3, 15, 45, 400]))
    def wait(self, seconds: float) -> None:
        self.run(asyncio.sleep(seconds))

    @rule(trouble=st.sampled_from(["none", "none", "down", "lost", "entries"]))
    def make_trouble(self, trouble: str) -> None:
        self.trouble = trouble
        self.disturbed |= trouble != "none"

    @rule()
    def kill(self) -> None:
        self.disturbed = True
        self.processes[-1].dead = True
        self.running.clear()
        self.run(self._another())

    @rule()
    def restart(self) -> None:
        self.run(self._restart())

    async def _restart(self) -> None:
        self.restarted = True
        process = self.processes[-1]
        process.launcher.stop()
        await process.task
        if not self.disturbed:
            stranded = {message.body for message in self.sqs.in_flight(self.queue)}
            assert {self.behaviour[body] for body in stranded} <= {"poison", "fails once"}, (
                "only a backoff is in flight"
            )
        await self._another()

    async def _another(self) -> None:
        self.processes.append(Process(self))

    async def handle(self, message: Message, process: Process) -> None:
        body, group = message.body, message.group_id
        self.running[group] += 1
        if group is not None and not process.dead:
            assert self.running[group] == 1 or self.disturbed, f"two of group {group} at a time"
        try:
            behaviour = self.behaviour[body]
            await asyncio.sleep(50 if behaviour == "slow" else 0.2)
            await process.live()
            if behaviour == "fatal":
                raise FatalError("fatal")
            if behaviour == "poison" or (behaviour == "fails once" and message.receive_count == 1):
                raise RetryableError("not yet")
            if behaviour in ("ok", "slow") and not self.disturbed and not self.restarted:
                (stored,) = (m for m in self.sqs.queues[self.queue].messages if m.body == body)
                assert stored.receive_count == 1, "received again while in hand"
            self.done.append(body)
        finally:
            if not process.dead:
                self.running[group] -= 1

    @invariant()
    def nothing_is_lost(self) -> None:
        there = {message.body for queue in self.sqs.queues.values() for message in queue.messages}
        assert set(self.sent) <= there | set(self.done)

    @invariant()
    def nothing_is_done_twice_undisturbed(self) -> None:
        if not self.disturbed:
            assert len(self.done) == len(set(self.done))

    @invariant()
    def groups_are_in_order(self) -> None:
        if self.queue.endswith(".fifo"):
            first = list(dict.fromkeys(self.done))
            for group in GROUPS:
                mine = [body for body in first if body.startswith(group)]
                late = [body for body in mine if self.behaviour[body] in ("poison",)]
                assert [body for body in mine if body not in late] == sorted(b for b in mine if b not in late)

    def teardown(self) -> None:
        if not self.processes or self.processes[-1].task.done():
            return
        self.trouble = "none"
        self.run(harness.until(lambda: not self.sqs.queues[self.queue].messages, 5_000, step=5))
        dead = {message.body for message in self.sqs.queues[self.dead_letters].messages}
        assert set(self.sent) == dead | set(self.done)
        if not self.disturbed:
            expected = {body for body, behaviour in self.behaviour.items() if behaviour in ("poison", "fatal")}
            assert dead == expected
        self.run(self._stop())
        while left := asyncio.all_tasks(self.loop):
            for task in left:
                task.cancel()
            self.run(asyncio.wait(left))
        self.loop.close()

    async def _stop(self) -> None:
        self.processes[-1].launcher.stop()
        await self.processes[-1].task

    def run(self, coroutine: Any) -> None:
        self.loop.run_until_complete(coroutine)

    def _error(self, operation: str) -> ApiError:
        return ApiError(operation, "ConnectionError", self.trouble, retryable=True)


TestWorld = World.TestCase
TestWorld.settings = settings(
    max_examples=60, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
