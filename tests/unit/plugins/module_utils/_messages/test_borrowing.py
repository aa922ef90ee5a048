# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""A queue is looked into without consuming, and some of its messages are taken out."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.ecommerce.sqs.plugins.module_utils._messages.borrowing import look, remove
from ansible_collections.ecommerce.sqs.tests.unit.support.engines import messages_of
from ansible_collections.ecommerce.sqs.tests.unit.support.strict_messages import StrictMessages


def test_looking_gives_every_message_back(service: StrictMessages) -> None:
    for index in range(25):
        service.dead_letter("orders", "orders", f"m{index}")
    found, seen = look(
        messages_of(service),
        service.url("orders"),
        limit=100,
        visibility_timeout=60,
        wanted=lambda item: "2" in item["Body"],
    )
    assert {item["Body"] for item in found} == {f"m{index}" for index in range(25) if "2" in str(index)}
    assert seen == 25
    assert len(service.visible("orders")) == 25


def test_messages_are_given_back_when_looking_fails(service: StrictMessages) -> None:
    service.dead_letter("orders", "orders", "m")

    def explode(_message: dict[str, Any]) -> bool:
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError):
        look(messages_of(service), service.url("orders"), limit=1, visibility_timeout=60, wanted=explode)
    assert len(service.visible("orders")) == 1


@pytest.mark.parametrize("queue", ["orders", "ledger.fifo"])
def test_removing_deletes_what_is_wanted_and_gives_the_rest_back(service: StrictMessages, queue: str) -> None:
    for number in range(25):
        service.dead_letter(
            "orders", queue, f"{'mine' if number % 5 == 0 else 'other'}-{number}", MessageGroupId=f"g{number}"
        )
    bodies = set()
    for _round in range(3):
        removed, undeleted = remove(
            messages_of(service), service.url(queue), wanted=lambda message: "mine" in message["Body"]
        )
        bodies |= {message["Body"] for message in removed}
        assert undeleted == 0
    assert bodies == {"mine-0", "mine-5", "mine-10", "mine-15", "mine-20"}
    assert [body for body in service.bodies(queue) if "mine" in body] == []
    assert len(service.visible(queue)) == 20


def test_what_would_be_removed_is_kept_in_check_mode(service: StrictMessages) -> None:
    service.dead_letter("orders", "orders", "mine")
    removed, _undeleted = remove(messages_of(service), service.url("orders"), wanted=lambda _message: True, keep=True)
    assert len(removed) == len(service.visible("orders")) == 1


def test_what_could_not_be_deleted_is_counted(service: StrictMessages) -> None:
    service.dead_letter("orders", "orders", "mine")
    service.batch_fault = lambda operation, _unused: (
        ("ReceiptHandleIsInvalid", True) if operation.startswith("Delete") else None
    )
    assert remove(messages_of(service), service.url("orders"), wanted=lambda _unused: True)[1] == 1
