# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A queue as SQS reports it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .._topology.queue_attributes import COUNTS


@dataclass(frozen=True)
class ActualQueue:
    """One queue as SQS reports it; ``attributes`` as ``queue_attributes.from_aws`` returns them."""

    name: str
    url: str
    attributes: dict[str, Any]
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def fifo(self) -> bool:
        return bool(self.attributes["fifo"])

    @property
    def messages(self) -> int:
        """Messages in the queue: visible, in flight and delayed (approximate, as SQS counts them)."""
        return sum(self.attributes.get(key, 0) for key in COUNTS.values())
