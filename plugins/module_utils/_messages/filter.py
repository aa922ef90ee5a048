# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which messages are meant: a filter, as modules take it. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from .._problems import Problems, as_integer, join, read_mapping, refuse_unknown_keys, show
from .received import Received, show_message


@dataclass(frozen=True)
class MessageFilter:
    """Which messages are meant; what is None does not matter. Ages in seconds."""

    body_contains: str | None = None
    body_matches: str | None = None
    attributes: dict[str, str] = field(default_factory=dict)
    minimum_age: int | None = None
    maximum_age: int | None = None
    minimum_receive_count: int | None = None
    maximum_receive_count: int | None = None

    def matches(self, message: Received, now: float) -> bool:
        body: str = message["Body"]
        shown = show_message(message, now)
        wanted = self.attributes.items()
        return (
            (self.body_contains is None or self.body_contains in body)
            and (self.body_matches is None or re.search(self.body_matches, body) is not None)
            and all(name in shown["attributes"] and str(shown["attributes"][name]) == value for name, value in wanted)
            and _within(shown["age_seconds"], self.minimum_age, self.maximum_age)
            and _within(shown["receive_count"], self.minimum_receive_count, self.maximum_receive_count)
        )


def read_filter(value: object, path: str, problems: Problems) -> MessageFilter:
    """Return the filter that a module was given; add a fault for each bad key."""
    given = {key: item for key, item in read_mapping(value, path, problems).items() if item is not None}
    numbers = ("minimum_age", "maximum_age", "minimum_receive_count", "maximum_receive_count")
    texts = ("body_contains", "body_matches")
    refuse_unknown_keys(given, {*numbers, *texts, "attributes"}, path, problems)
    fields: dict[str, Any] = {}
    for key in numbers:
        if key in given:
            fields[key] = as_integer(given[key])
            if fields[key] is None or fields[key] < 0:
                problems.add(join(path, key), f"{show(given[key])} is not an integer of 0 or more")
    for key in texts:
        if key in given:
            fields[key] = str(given[key])
    if "body_matches" in fields:
        check_pattern(fields["body_matches"], join(path, "body_matches"), problems)
    attributes = read_mapping(given.get("attributes"), join(path, "attributes"), problems)
    return MessageFilter(**fields, attributes={name: str(item) for name, item in attributes.items()})


def read_removal(value: object, path: str) -> MessageFilter:
    """Return the filter of messages to delete. Raises InvalidInputError with every fault; one that is empty is one."""
    problems = Problems()
    chosen = read_filter(value, path, problems)
    if not problems.errors and chosen == MessageFilter():
        problems.add(path, "chooses every message; queue_purge is the module that empties a queue")
    problems.raise_if_any("The removal")
    return chosen


def check_pattern(pattern: str, path: str, problems: Problems) -> bool:
    """Add a fault for what is no regular expression; return whether it is one."""
    try:
        re.compile(pattern)
    except re.error as error:
        problems.add(path, f"{show(pattern)} is not a regular expression: {error}")
        return False
    return True


def _within(value: int | None, minimum: int | None, maximum: int | None) -> bool:
    if minimum is None and maximum is None:
        return True
    return value is not None and (minimum is None or value >= minimum) and (maximum is None or value <= maximum)
