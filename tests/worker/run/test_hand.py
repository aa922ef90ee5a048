# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in hand: room for more, and who waits for it; repetitions."""

from __future__ import annotations

import asyncio

from support.virtual import now, run

from sqs_worker import Message
from sqs_worker.observe.metrics import Metrics
from sqs_worker.run.hand import REMEMBERED, UNDELETED_LIMIT, Hand


def message(number: int, receipt: str = "first") -> Message:
    return Message("body", f"m{number}", receipt)


def hand(capacity: int = 5) -> Hand:
    return Hand(capacity, visibility=30.0, metrics=Metrics("w", "orders"))


def woken_by(happening: str) -> bool:
    """Whether one who waits for room wakes at once when this happens, instead of at the end of the wait."""

    async def main() -> bool:
        full = hand(capacity=1)
        full.reserve(1)
        job, _is_new = full.take(message(1), now())
        began = now()
        waiting = asyncio.create_task(full.changed(60.0))
        await asyncio.sleep(1)
        if happening == "unreserve":
            full.unreserve(1)
        elif happening == "finish":
            full.finish(job)
        elif happening == "let go":
            full.let_go(job)
        await waiting
        return now() - began < 60

    return run(main())


def test_a_poller_is_woken_as_soon_as_there_may_be_room() -> None:
    assert woken_by("unreserve")
    assert woken_by("finish")
    assert woken_by("let go")
    assert not woken_by("nothing")


def test_who_was_woken_waits_anew() -> None:
    async def main() -> None:
        some = hand()
        some.reserve(1)
        some.unreserve(1)
        began = now()
        await some.changed(7.0)
        assert now() - began == 7

    run(main())


def test_room_is_what_neither_a_job_nor_a_receive_takes() -> None:
    async def main() -> None:
        some = hand(capacity=5)
        assert some.room() == 5
        some.reserve(3)
        assert some.room() == 2
        job, _is_new = some.take(message(1), 0.0)
        assert (some.room(), some.unfinished) == (1, 1)
        some.unreserve(3)
        some.finish(job)
        some.finish(job)
        assert (some.room(), some.unfinished) == (5, 0)
        some.let_go(job)
        assert (some.room(), some.unfinished) == (5, 0)

    run(main())


def test_a_job_that_is_let_go_unfinished_makes_room() -> None:
    async def main() -> None:
        some = hand(capacity=5)
        job, _is_new = some.take(message(1), 0.0)
        some.let_go(job)
        assert (some.room(), some.unfinished, list(some.jobs)) == (5, 0, [])

    run(main())


def test_too_many_that_wait_for_their_delete_leave_no_room() -> None:
    async def main() -> None:
        some = hand(capacity=5)
        jobs = [some.take(message(number), 0.0)[0] for number in range(UNDELETED_LIMIT + 1)]
        for job in jobs[:-1]:
            some.finish(job)
        assert some.room() == 4
        some.finish(jobs[-1])
        assert some.room() == 0
        some.let_go(jobs[0])
        assert some.room() == 5

    run(main())


def test_a_delivery_of_what_is_in_hand_goes_on_with_the_newer_receipt() -> None:
    async def main() -> None:
        some = hand()
        job, is_new = some.take(message(1), 10.0)
        assert is_new
        assert (job.received_at, job.invisible_until) == (10.0, 40.0)
        again, is_new = some.take(message(1, "second"), 50.0)
        assert again is job
        assert not is_new
        assert job.message.receipt_handle == "second"
        assert (job.received_at, job.invisible_until) == (50.0, 80.0)
        assert some.unfinished == 1
        assert not job.handled

    run(main())


def test_a_delivery_of_what_was_handled_but_not_deleted_is_to_be_deleted() -> None:
    async def main() -> None:
        some = hand()
        job, _is_new = some.take(message(1), 0.0)
        some.let_go(job, handled_but_there=True)
        again, is_new = some.take(message(1, "second"), 60.0)
        assert not is_new
        assert (again.handled, again.finished, some.unfinished) == (True, True, 0)
        some.let_go(again)
        _job, is_new = some.take(message(1, "third"), 90.0)
        assert is_new, "it was deleted: whoever sends it again has it handled again"

    run(main())


def test_what_failed_and_comes_back_is_new() -> None:
    async def main() -> None:
        some = hand()
        job, _is_new = some.take(message(1), 0.0)
        some.let_go(job)
        again, is_new = some.take(message(1, "second"), 60.0)
        assert is_new
        assert not again.handled

    run(main())


def test_the_oldest_of_too_many_undeleted_messages_is_forgotten() -> None:
    async def main() -> None:
        some = hand()
        for number in range(REMEMBERED + 1):
            some.let_go(some.take(message(number), 0.0)[0], handled_but_there=True)
        assert some.take(message(0), 1.0)[1]
        assert not some.take(message(1), 1.0)[1]
        assert not some.take(message(REMEMBERED), 1.0)[1]

    run(main())
