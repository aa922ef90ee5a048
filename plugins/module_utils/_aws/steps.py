# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps: what a plan consists of, how they are done, and how they are shown. Pure: no I/O of its own."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

_NAMING = ("name", "arn", "role", "identifier", "metrics")


@dataclass(frozen=True)
class Step:
    """One change: a method of the domain's API and its arguments."""

    method: str
    arguments: dict[str, Any]

    @property
    def words(self) -> str:
        """What is done, to what, for people to read: ``put policy backlog-per-instance``."""
        named = [value for key, value in self.arguments.items() if key in _NAMING]
        targets = [", ".join(value) if isinstance(value, list) else str(value) for value in named]
        return " ".join([self.method.replace("_", " "), *targets])


def apply(api: object, steps: Iterable[Step]) -> None:
    """Do the steps one after the other by ``api``, whose methods they name."""
    for step in steps:
        getattr(api, step.method)(**step.arguments)


def diff(before: object, after: object) -> dict[str, str]:
    """Return what Ansible shows in diff mode, as sorted JSON, so that only what differs stands out."""
    return {"before": _render(before), "after": _render(after)}


def _render(value: object) -> str:
    return json.dumps(value, indent=2, sort_keys=True, default=str) + "\n" if value else ""
