# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a redrive did, as the module's result."""

from __future__ import annotations

import pytest

from ansible_collections.ecommerce.sqs.plugins.module_utils._messages.redrive_report import (
    Report,
    as_result,
    warnings_of,
)
from ansible_collections.ecommerce.sqs.plugins.module_utils._problems import RefusedError

STAYED = [{"message_id": "a", "reason": "no room"}, {"message_id": "b", "reason": "no room"}]


def test_what_was_moved_is_a_change_with_its_rate() -> None:
    result = as_result(Report("by_hand", moved=3, seen=5, destinations={"orders": 3}), 2.0, available=9)
    assert (result["changed"], result["moved"], result["seen"], result["available"]) == (True, 3, 5, 9)
    assert result["messages_per_second"] == 1.5
    assert result["destinations"] == {"orders": 3}


@pytest.mark.parametrize(("status", "changed"), [("COMPLETED", False), ("RUNNING", True)])
def test_nothing_moved_is_a_change_only_while_a_task_runs(status: str, changed: bool) -> None:
    result = as_result(Report("native", status=status), 0.0)
    assert (result["changed"], result["messages_per_second"]) == (changed, 0.0)


def test_a_failed_task_is_a_failure_with_the_whole_result() -> None:
    with pytest.raises(RefusedError, match="failed: AccessDenied; run again, or by_hand") as caught:
        as_result(Report("native", moved=1, status="FAILED", failure_reason="AccessDenied"), 1.0, available=4)
    assert (caught.value.details["moved"], caught.value.details["available"]) == (1, 4)


def test_messages_that_could_not_be_moved_are_a_failure_with_each_reason_once() -> None:
    with pytest.raises(RefusedError, match=r"1 messages were moved; 2 stayed: no room$") as caught:
        as_result(Report("by_hand", moved=1, failed=STAYED), 1.0)
    assert caught.value.details["failed_messages"] == STAYED


@pytest.mark.parametrize("status", ["RUNNING", "TIMED_OUT"])
def test_a_wait_that_ended_early_warns(status: str) -> None:
    report = Report("by_hand", status=status)
    assert warnings_of(report, wait=True, wait_timeout=7) == ["not finished after 7 s; run again to go on"]
    assert warnings_of(report, wait=False, wait_timeout=7) == []


def test_messages_that_were_deferred_warn() -> None:
    (warning,) = warnings_of(Report("by_hand", deferred=STAYED), wait=True, wait_timeout=7)
    assert warning == "2 messages stayed: no room"
