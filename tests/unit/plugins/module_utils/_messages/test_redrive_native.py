# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""Redrives by SQS's own move task."""

from __future__ import annotations

import pytest

from ansible_collections.ecommerce.sqs.plugins.module_utils._aws.client import AwsCallError
from ansible_collections.ecommerce.sqs.plugins.module_utils._messages.redrive_native import MoveTasks
from ansible_collections.ecommerce.sqs.plugins.module_utils._problems import RefusedError
from ansible_collections.ecommerce.sqs.tests.unit.support.engines import messages_of
from ansible_collections.ecommerce.sqs.tests.unit.support.redrives import fill, make_service, task
from ansible_collections.ecommerce.sqs.tests.unit.support.strict_messages import StrictMessages


@pytest.fixture
def service() -> StrictMessages:
    return make_service()


def native(service: StrictMessages, said: list[str] | None = None) -> MoveTasks:
    progress = said.append if said is not None else lambda _text: None
    return MoveTasks(messages_of(service), progress=progress, sleep=service.sleep, clock=service.clock)


class TestNative:
    def test_messages_go_back_to_where_they_came_from(self, service: StrictMessages) -> None:
        fill(service)
        said: list[str] = []
        report = native(service, said).run(task(service, rate=50), wait=True)
        assert (report.method, report.moved, report.status) == ("native", 23, "COMPLETED")
        assert len(service.store["orders"]) == 12
        assert len(service.store["mails"]) == 11
        assert service.tasks[0]["MaxNumberOfMessagesPerSecond"] == 50
        assert any("of 23 messages moved" in line and "a second" in line for line in said)

    def test_a_run_joins_the_task_of_a_killed_one(self, service: StrictMessages) -> None:
        fill(service)
        native(service).run(task(service), wait=False)
        report = native(service).run(task(service), wait=True)
        assert report.status == "COMPLETED"
        assert len(service.tasks) == 1

    def test_a_task_to_elsewhere_is_not_joined(self, service: StrictMessages) -> None:
        fill(service)
        native(service).run(task(service, destination_arn=service.arn("orders")), wait=False)
        with pytest.raises(RefusedError, match="already being moved to arn"):
            native(service).run(task(service), wait=True)

    def test_cancel(self, service: StrictMessages) -> None:
        fill(service)
        assert native(service).cancel(service.arn("dlq")) is None
        native(service).run(task(service), wait=False)
        report = native(service).cancel(service.arn("dlq"))
        assert report is not None
        assert service.tasks[0]["Status"] == "CANCELLED"

    def test_the_wait_ends(self, service: StrictMessages) -> None:
        fill(service)
        service.moved_a_poll = 0
        report = native(service).run(task(service, wait_timeout=10), wait=True)
        assert report.status == "RUNNING"

    def test_a_queue_that_is_no_dead_letter_queue(self, service: StrictMessages) -> None:
        with pytest.raises(AwsCallError, match="must be configured as a Dead Letter Queue"):
            native(service).run(task(service, "orders"), wait=True)

    def test_a_message_sent_by_a_program_fails_the_task(self, service: StrictMessages) -> None:
        service.dead_letter("orders", "dlq", "m0").system.pop("DeadLetterQueueSourceArn")
        report = native(service).run(task(service), wait=True)
        assert (report.status, report.failure_reason) == ("FAILED", "CouldNotDetermineMessageSource")
