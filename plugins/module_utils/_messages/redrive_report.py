# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a redrive did, and how it is reported to the operator. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .._problems import RefusedError


@dataclass
class Report:
    """What a redrive did. ``failed`` and ``deferred`` are messages that stayed, each with its reason."""

    method: str
    moved: int = 0
    seen: int = 0
    status: str = "COMPLETED"
    handle: str | None = None
    failure_reason: str | None = None
    to_move: int | None = None
    destinations: dict[str, int] = field(default_factory=dict)
    failed: list[dict[str, str]] = field(default_factory=list)
    deferred: list[dict[str, str]] = field(default_factory=list)


def as_result(report: Report, seconds: float, **more: Any) -> dict[str, Any]:
    """Return the module's result of a redrive that took ``seconds``, with ``more`` in it.

    Raises RefusedError, with that result, when messages could not be moved.
    """
    result: dict[str, Any] = {
        "changed": report.moved > 0 or report.status == "RUNNING",
        "method": report.method,
        "moved": report.moved,
        "seen": report.seen,
        "status": report.status,
        "task_handle": report.handle,
        "destinations": report.destinations,
        "failed_messages": report.failed,
        "deferred_messages": report.deferred,
        "messages_per_second": round(report.moved / seconds, 1) if seconds else 0.0,
        **more,
    }
    if report.status == "FAILED":
        raise RefusedError(f"the move task of SQS failed: {report.failure_reason}; run again, or by_hand", **result)
    if report.failed:
        reasons = sorted({item["reason"] for item in report.failed})
        raise RefusedError(
            f"{report.moved} messages were moved; {len(report.failed)} stayed: {'; '.join(reasons)}", **result
        )
    return result


def warnings_of(report: Report, *, wait: bool, wait_timeout: int) -> list[str]:
    """Return what the operator has to know of a redrive that did not fail."""
    warnings = []
    if report.deferred:
        warnings.append(f"{len(report.deferred)} messages stayed: {report.deferred[0]['reason']}")
    if report.status in ("RUNNING", "TIMED_OUT") and wait:
        warnings.append(f"not finished after {wait_timeout} s; run again to go on")
    return warnings
