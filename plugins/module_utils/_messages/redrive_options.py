# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A redrive as it was asked for. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .._problems import Problems, read_integer
from .._topology.names import parse_arn
from .._topology.queue_attributes import ATTRIBUTES
from .edit import MessageEdit, read_edit
from .filter import MessageFilter, read_filter

RATE_MAXIMUM = 500
"""Messages a second of a move task. Source: API_StartMessageMoveTask.html."""
VISIBILITY_MINIMUM, VISIBILITY_MAXIMUM = 30, ATTRIBUTES["visibility_timeout"].maximum
WAIT_MAXIMUM = 129600
"""36 hours, the longest that a move task runs. Source: sqs-configure-dead-letter-queue-redrive.html."""


@dataclass(frozen=True)
class Task:
    """A redrive. ``rate`` in messages a second, ``wait_timeout`` and ``visibility_timeout`` in seconds."""

    source_url: str
    source_arn: str
    destination_arn: str | None = None
    rate: int | None = None
    limit: int | None = None
    filter: MessageFilter = field(default_factory=MessageFilter)
    edit: MessageEdit = field(default_factory=MessageEdit)
    visibility_timeout: int = 300
    wait_timeout: int = 3600


@dataclass(frozen=True)
class RedriveOptions:
    """A redrive as it was asked for, checked. ``by_hand`` tells that the move task of SQS cannot do it."""

    queue: object
    destination: str | None
    method: str
    rate: int | None
    limit: int | None
    filter: MessageFilter
    edit: MessageEdit
    visibility_timeout: int
    wait: bool
    wait_timeout: int
    elsewhere: str | None

    @property
    def by_hand(self) -> bool:
        special = self.filter != MessageFilter() or self.edit != MessageEdit() or self.limit is not None
        return special or self.elsewhere is not None


def read_redrive_options(parameters: Mapping[str, Any], region: str) -> RedriveOptions:
    """Return the options of a redrive. Raises InvalidInputError with every fault."""
    problems = Problems()
    destination = parameters["destination"] or ""
    arn = parse_arn(destination)
    elsewhere = parameters["destination_region"] or (arn.region if arn else "")
    options = RedriveOptions(
        queue=parameters["queue"],
        destination=parameters["destination"],
        method=parameters["method"],
        rate=_bounded(parameters, "max_messages_per_second", 1, RATE_MAXIMUM, problems),
        limit=_bounded(parameters, "limit", 1, 10**9, problems),
        filter=read_filter(parameters["filter"], "filter", problems),
        edit=read_edit(parameters["edit"], "edit", problems),
        visibility_timeout=_bounded(parameters, "visibility_timeout", VISIBILITY_MINIMUM, VISIBILITY_MAXIMUM, problems)
        or 0,
        wait=parameters["wait"],
        wait_timeout=_bounded(parameters, "wait_timeout", 1, WAIT_MAXIMUM, problems) or 0,
        elsewhere=elsewhere if elsewhere not in ("", region) else None,
    )
    if options.elsewhere and not destination:
        problems.add("destination_region", "needs a destination")
    if options.method == "native" and options.by_hand:
        problems.add(
            "method",
            "native moves everything within the region; a filter, an edit, a limit or "
            "another region needs by_hand or auto",
        )
    problems.raise_if_any("The redrive")
    return options


def _bounded(parameters: Mapping[str, Any], key: str, minimum: int, maximum: int, problems: Problems) -> int | None:
    if parameters[key] is None:
        return None
    return read_integer(parameters[key], key, problems, default=minimum, minimum=minimum, maximum=maximum)
