# SPDX-License-Identifier: GPL-3.0-or-later
"""Where jobs are while they do not run: order within groups, later tries, single tries; no loop, no clock."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from sqs_worker import Message
from sqs_worker.run.job import Job
from sqs_worker.run.lanes import Lanes


def job(name: str, group: str | None = None) -> Job:
    attributes = {"MessageGroupId": group} if group is not None else {}
    return Job(Message(name, name, system_attributes=attributes), received_at=0.0, invisible_until=30.0)


def names(jobs: Iterable[Job]) -> list[str]:
    return [found.message.body for found in jobs]


def started(lanes: Lanes, *, probing: bool = False, room: int = 10) -> list[str]:
    """Start all there is to start."""
    found = []
    while startable(lanes, probing=probing, room=room):
        found.append(lanes.take())
    return names(found)


def startable(lanes: Lanes, *, probing: bool, room: int) -> bool:
    """Whether there is anything to start; ``probing``: the circuit breaker is open and allows a try."""
    return bool(lanes.ready) or (probing and lanes.probes(room=room))


def filled(*jobs: Job, fifo: bool = True) -> Lanes:
    lanes = Lanes(fifo=fifo)
    for each in jobs:
        lanes.add(each)
    return lanes


def running(*jobs: Job, fifo: bool = True) -> Lanes:
    """Lanes whose first job of each group runs."""
    lanes = filled(*jobs, fifo=fifo)
    started(lanes)
    return lanes


def test_without_groups_jobs_start_in_the_order_of_their_receive() -> None:
    assert started(filled(job("1"), job("2"), job("3"))) == ["1", "2", "3"]


def test_of_each_group_the_first_alone_starts() -> None:
    lanes = filled(job("a1", "a"), job("a2", "a"), job("b1", "b"), job("a3", "a"), job("x"))
    assert lanes.ready == 3
    assert started(lanes) == ["a1", "b1", "x"]
    assert lanes.ready == 0


def test_groups_of_a_standard_queue_wait_for_nobody() -> None:
    first, second = job("a1", "a"), job("a2", "a")
    lanes = filled(first, second, fifo=False)
    assert started(lanes) == ["a1", "a2"]
    assert lanes.leave(first) == []
    lanes.done(second)
    assert not startable(lanes, probing=False, room=1)


def test_the_next_of_a_group_starts_when_the_one_before_is_done() -> None:
    first, second, third = job("a1", "a"), job("a2", "a"), job("a3", "a")
    lanes = running(first, second, third)
    lanes.done(first)
    assert started(lanes) == ["a2"]
    lanes.done(second)
    assert started(lanes) == ["a3"]
    lanes.done(third)
    assert started(lanes) == []


def test_a_group_that_is_done_begins_anew() -> None:
    first = job("a1", "a")
    lanes = running(first)
    lanes.done(first)
    lanes.add(job("a2", "a"))
    assert started(lanes) == ["a2"]


def test_a_group_that_is_not_done_goes_on_behind_its_head() -> None:
    lanes = running(job("a1", "a"))
    lanes.add(job("a2", "a"))
    assert started(lanes) == []


def test_a_job_without_a_group_is_done_without_a_trace() -> None:
    first = job("x")
    lanes = running(first, job("a1", "a"), job("a2", "a"))
    lanes.done(first)
    assert started(lanes) == []


def test_a_job_of_a_group_that_has_left_may_still_be_done() -> None:
    """A handler that could not be interrupted may end after its job was given back."""
    first = job("a1", "a")
    lanes = running(first, job("a2", "a"))
    lanes.leave(first)
    lanes.done(first)
    assert started(lanes) == []


def test_what_is_behind_leaves_before_its_head_and_the_last_first() -> None:
    first = job("a1", "a")
    lanes = running(first, job("a2", "a"), job("a3", "a"), job("b1", "b"), job("b2", "b"))
    assert names(lanes.leave(first)) == ["a3", "a2"]
    lanes.add(job("a1 again", "a"))
    assert started(lanes) == ["a1 again"]


def test_a_job_without_a_group_leaves_alone() -> None:
    first = job("x")
    lanes = running(first, job("a1", "a"), job("a2", "a"))
    assert lanes.leave(first) == []


def test_a_kept_job_is_ready_at_its_time_and_not_before() -> None:
    first = job("a1", "a")
    lanes = running(first, job("a2", "a"))
    lanes.keep(first, 100.0, counts=True)
    lanes.wake(99.9)
    assert started(lanes) == []
    lanes.wake(100.0)
    assert started(lanes) == ["a1"]


def test_kept_jobs_wake_by_their_time_and_of_one_time_by_their_order() -> None:
    jobs = {name: job(name) for name in ("late", "early", "second", "third", "never")}
    lanes = running(*jobs.values())
    for name, until in (("late", 30.0), ("second", 20.0), ("third", 20.0), ("early", 10.0), ("never", 40.0)):
        lanes.keep(jobs[name], until, counts=False)
    lanes.wake(35.0)
    assert started(lanes) == ["early", "second", "third", "late"]
    lanes.wake(35.0)
    assert started(lanes) == []


def test_a_kept_head_keeps_its_group_waiting() -> None:
    first = job("a1", "a")
    lanes = running(first, job("a2", "a"))
    lanes.keep(first, 10.0, counts=True)
    lanes.add(job("a3", "a"))
    assert started(lanes) == []


def test_parked_jobs_start_only_for_a_try_of_the_open_breaker() -> None:
    first, second = job("1"), job("2")
    lanes = running(first, second)
    lanes.park(first, 5.0)
    lanes.park(second, 6.0)
    assert not startable(lanes, probing=False, room=10)
    assert startable(lanes, probing=True, room=10)
    assert names([lanes.take()]) == ["1"]


def test_a_ready_job_is_tried_before_a_parked_one() -> None:
    first = job("parked")
    lanes = running(first)
    lanes.park(first, 5.0)
    lanes.add(job("fresh"))
    assert started(lanes, probing=True) == ["fresh", "parked"]


def test_after_a_parked_job_it_is_a_fresh_ones_turn() -> None:
    first, second = job("1"), job("2")
    lanes = running(first, second)
    lanes.park(first, 5.0)
    lanes.park(second, 5.0)
    assert not lanes.wants_fresh(), "a parked one has its turn first"
    assert started(lanes, probing=True, room=1) == ["1"]
    assert lanes.wants_fresh()
    lanes.add(job("fresh"))
    assert not lanes.wants_fresh(), "there is one"
    assert started(lanes, probing=True, room=1) == ["fresh", "2"]


def test_a_parked_job_does_not_wait_for_a_fresh_one_that_cannot_be_received() -> None:
    first, second = job("1"), job("2")
    lanes = running(first, second)
    lanes.park(first, 5.0)
    lanes.park(second, 5.0)
    assert started(lanes, probing=True, room=0) == ["1", "2"]


def test_a_receive_that_brings_nothing_ends_the_fresh_ones_turn() -> None:
    first, second = job("1"), job("2")
    lanes = running(first, second)
    lanes.park(first, 5.0)
    lanes.park(second, 5.0)
    assert started(lanes, probing=True) == ["1"]
    lanes.end_fresh_turn()
    assert not lanes.wants_fresh()
    assert started(lanes, probing=True) == ["2"]


def test_with_nothing_parked_a_fresh_one_is_wanted() -> None:
    lanes = Lanes(fifo=False)
    assert lanes.wants_fresh()
    lanes.add(job("ready"))
    assert not lanes.wants_fresh()


def test_a_closed_breaker_makes_all_that_is_parked_ready_in_order() -> None:
    jobs = [job("1"), job("2"), job("3")]
    lanes = running(*jobs)
    for each in jobs:
        lanes.park(each, 5.0)
    lanes.unpark()
    assert started(lanes) == ["1", "2", "3"]
    assert not startable(lanes, probing=True, room=10)
    assert [lanes.parked_for(each, 9.0) for each in jobs] == [0.0] * 3


def test_how_long_a_job_is_parked_counts_from_its_first_time() -> None:
    first, other = job("1"), job("other")
    lanes = running(first, other)
    assert lanes.parked_for(first, 7.0) == 0
    lanes.park(first, 10.0)
    assert started(lanes, probing=True) == ["1"]
    lanes.park(first, 50.0)
    assert lanes.parked_for(first, 60.0) == 50
    assert lanes.parked_for(other, 60.0) == 0


def test_a_try_that_counts_begins_the_time_of_parking_anew_and_one_that_does_not_goes_on() -> None:
    counted, uncounted = job("counted"), job("uncounted")
    lanes = running(counted, uncounted)
    for each, counts in ((counted, True), (uncounted, False)):
        lanes.park(each, 10.0)
        lanes.end_fresh_turn()
        lanes.take()
        lanes.keep(each, 20.0, counts=counts)
    assert lanes.parked_for(counted, 30.0) == 0
    assert lanes.parked_for(uncounted, 30.0) == 20


def test_a_try_may_count_that_was_never_parked() -> None:
    first = job("1")
    lanes = running(first)
    lanes.keep(first, 20.0, counts=True)
    assert lanes.parked_for(first, 30.0) == 0


def test_who_is_done_or_leaves_was_never_parked() -> None:
    done, left = job("done"), job("left")
    lanes = running(done, left)
    for each in (done, left):
        lanes.park(each, 10.0)
        lanes.end_fresh_turn()
        lanes.take()
    lanes.done(done)
    lanes.leave(left)
    assert lanes.parked_for(done, 30.0) == lanes.parked_for(left, 30.0) == 0


def test_a_drain_takes_out_what_would_be_tried_later() -> None:
    kept, parked, ready = job("a1", "a"), job("parked"), job("ready")
    lanes = running(kept, job("a2", "a"), parked)
    lanes.keep(kept, 10.0, counts=True)
    lanes.park(parked, 5.0)
    lanes.add(ready)
    assert names(lanes.clear_later()) == ["a1", "parked"]
    lanes.wake(100.0)
    assert started(lanes, probing=True) == ["ready"]
    assert names(lanes.leave(kept)) == ["a2"], "those behind leave with their head"
    assert lanes.clear_later() == []


def test_the_end_of_a_drain_takes_out_what_is_ready() -> None:
    first = job("a1", "a")
    lanes = filled(first, job("a2", "a"), job("x"))
    assert names(lanes.clear_ready()) == ["a1", "x"]
    assert lanes.ready == 0
    assert started(lanes) == []
    assert names(lanes.leave(first)) == ["a2"]


@given(st.lists(st.sampled_from(["add", "done", "leave", "keep", "wake", "park", "unpark"]), max_size=60), st.data())
def test_every_job_has_one_place_and_a_group_one_head(steps: list[str], data: st.DataObject) -> None:
    """Whatever happens: no job is lost, none starts twice, none of a group starts beside or before another."""
    lanes, now, added = Lanes(fifo=True), 0.0, 0
    runs: list[Job] = []
    gone: list[Job] = []
    for step in steps:
        now += 1
        if step == "add":
            added += 1
            lanes.add(job(f"{added:03}", data.draw(st.sampled_from([None, "a", "b"]))))
        elif step == "wake":
            lanes.wake(now)
        elif step == "unpark":
            lanes.unpark()
        elif runs:
            one = runs.pop(data.draw(st.integers(0, len(runs) - 1)))
            if step == "done":
                lanes.done(one)
                gone.append(one)
            elif step == "leave":
                gone += [*lanes.leave(one), one]
            elif step == "keep":
                lanes.keep(one, now + 3, counts=True)
            else:
                lanes.park(one, now)
        while startable(lanes, probing=step == "park", room=0):
            runs.append(lanes.take())
        groups = [each.message.group_id for each in runs if each.message.group_id]
        assert len(groups) == len(set(groups))
    lanes.unpark()
    lanes.wake(now + 3)
    while runs or lanes.ready:
        while startable(lanes, probing=False, room=0):
            runs.append(lanes.take())
        one = runs.pop()
        lanes.done(one)
        gone.append(one)
    assert sorted(names(gone)) == [f"{number:03}" for number in range(1, added + 1)]
