# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which way a redrive takes, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.ecommerce.sqs.tests.unit.support import engines, topologies
from ansible_collections.ecommerce.sqs.tests.unit.support.run_module import run_module
from ansible_collections.ecommerce.sqs.tests.unit.support.strict_messages import StrictMessages
from ansible_collections.ecommerce.sqs.tests.unit.support.strict_sqs import RefusedError

DLQ, ORDER = "ecommerce-dlq", "ecommerce-order-queue"
MOVES = {"SendMessageBatch", "DeleteMessageBatch", "StartMessageMoveTask"}


@pytest.fixture
def service() -> StrictMessages:
    service = StrictMessages()
    engines.apply_topology(service, topologies.default())
    service.moved_a_poll = 100
    for index in range(4):
        service.dead_letter(ORDER, DLQ, f"m{index}")
    service.forget_calls()
    return service


def redrive(service: StrictMessages, *, check_mode: bool = False, **options: Any) -> dict[str, Any]:
    return run_module("queue_redrive", service, {"queue": DLQ, **options}, check_mode=check_mode)


def test_the_task_of_sqs_is_taken_where_it_can_do_it(service: StrictMessages) -> None:
    result = redrive(service)
    assert (result["method"], result["moved"], result["status"]) == ("native", 4, "COMPLETED")
    assert service.bodies(ORDER) == ["m0", "m1", "m2", "m3"]
    assert redrive(service)["changed"] is False


def test_what_that_task_cannot_do_is_done_by_hand(service: StrictMessages) -> None:
    result = redrive(service, limit=1)
    assert (result["method"], result["moved"]) == ("by_hand", 1)
    assert "StartMessageMoveTask" not in service.counts()


def test_messages_that_a_worker_dead_lettered_are_moved_by_hand_after_the_task_stopped(service: StrictMessages) -> None:
    told = service.dead_letter(ORDER, DLQ, "by a worker")
    del told.system["DeadLetterQueueSourceArn"]
    told.attributes = {"DeadLetterSource": {"DataType": "String", "StringValue": f'{{"queue": "{ORDER}"}}'}}
    result = redrive(service)
    assert (result["method"], result["moved"]) == ("by_hand", 5)
    assert service.bodies(DLQ) == []
    assert "by a worker" in service.bodies(ORDER)


def test_check_mode_shows_what_would_move_and_moves_nothing(service: StrictMessages) -> None:
    result = redrive(service, check_mode=True, filter={"body_contains": "m2"})
    assert [(item["body"], item["destination"]) for item in result["messages"]] == [("m2", ORDER)]
    assert MOVES.isdisjoint(service.counts())
    assert len(service.visible(DLQ)) == 4


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"destination": "ecommerce-payment-queue.fifo"}, "messages move between queues of the same type"),
        ({"destination": DLQ}, "destination: is the queue itself"),
        ({"destination": "nowhere"}, "there is no such queue"),
        ({"queue": ORDER}, "is not the dead-letter queue of any queue"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_moves(
    service: StrictMessages, options: dict[str, Any], says: str
) -> None:
    result = redrive(service, **options)
    assert says in result["msg"]
    assert MOVES.isdisjoint(service.counts())


def test_a_move_is_cancelled_once(service: StrictMessages) -> None:
    service.moved_a_poll = 0
    assert redrive(service, wait=False)["status"] == "RUNNING"
    assert redrive(service, state="cancelled", check_mode=True)["changed"] is True
    assert service.tasks[0]["Status"] == "RUNNING"
    assert redrive(service, state="cancelled")["changed"] is True
    assert redrive(service, state="cancelled")["changed"] is False


def test_a_denied_move_names_the_action(service: StrictMessages) -> None:
    def deny(operation: str, _parameters: dict[str, Any]) -> None:
        if operation == "StartMessageMoveTask":
            raise RefusedError("AccessDeniedException", "not authorized", status=403)

    service.fault = deny
    assert "sqs:StartMessageMoveTask" in redrive(service)["msg"]
