# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is changed in a message before it is sent on. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from .._problems import Problems, join, read_mapping, refuse_unknown_keys, show
from .filter import check_pattern
from .outgoing import ATTRIBUTE_LIMIT, MESSAGE_BYTES, Entry, check_text, read_attributes, size_of


@dataclass(frozen=True)
class MessageEdit:
    """What is changed in a message before it is sent on: its body, by regular expressions, and its attributes."""

    replace: tuple[tuple[str, str], ...] = ()
    set_attributes: dict[str, Any] = field(default_factory=dict)
    remove_attributes: tuple[str, ...] = ()

    def apply(self, entry: Entry) -> Entry:
        """Return the edited entry. Raises ValueError when SQS would refuse the outcome."""
        body = entry["MessageBody"]
        for pattern, replacement in self.replace:
            body = re.sub(pattern, replacement, body)
        kept = {
            name: value
            for name, value in entry.get("MessageAttributes", {}).items()
            if name not in self.remove_attributes
        }
        edited = {**entry, "MessageBody": body, "MessageAttributes": {**kept, **self.set_attributes}}
        problems = Problems()
        check_text(body, "body", problems)
        if len(edited["MessageAttributes"]) > ATTRIBUTE_LIMIT:
            problems.add("attributes", f"{len(edited['MessageAttributes'])} is above {ATTRIBUTE_LIMIT}")
        if size_of(edited) > MESSAGE_BYTES:
            problems.add("body", f"the message has {size_of(edited)} bytes, above {MESSAGE_BYTES}")
        problems.raise_if_any("The edited message")
        return edited


def read_edit(value: object, path: str, problems: Problems) -> MessageEdit:
    """Return the edit that a module was given; add a fault for each bad key."""
    given = {key: item for key, item in read_mapping(value, path, problems).items() if item is not None}
    refuse_unknown_keys(given, {"replace", "set_attributes", "remove_attributes"}, path, problems)
    replace = []
    for position, raw in enumerate(_list(given.get("replace"), join(path, "replace"), problems)):
        where = f"{join(path, 'replace')}[{position}]"
        pair = read_mapping(raw, where, problems)
        refuse_unknown_keys(pair, {"pattern", "replacement"}, where, problems)
        pattern, replacement = str(pair.get("pattern", "")), str(pair.get("replacement", ""))
        if not pattern:
            problems.add(join(where, "pattern"), "is missing")
        elif check_pattern(pattern, join(where, "pattern"), problems):
            _check_replacement(pattern, replacement, join(where, "replacement"), problems)
        replace.append((pattern, replacement))
    return MessageEdit(
        replace=tuple(replace),
        set_attributes=read_attributes(given.get("set_attributes"), join(path, "set_attributes"), problems),
        remove_attributes=tuple(
            str(name) for name in _list(given.get("remove_attributes"), join(path, "remove_attributes"), problems)
        ),
    )


def _list(value: object, path: str, problems: Problems) -> list[Any]:
    if value is None:
        return []
    if isinstance(value, (list, tuple)):
        return list(value)
    problems.add(path, f"{show(value)} is not a list")
    return []


def _check_replacement(pattern: str, replacement: str, path: str, problems: Problems) -> None:
    """Find references to groups that the pattern does not have, which would only show at the first match."""
    try:
        probe = re.compile(f"(?:{pattern})|")
        probe.sub(replacement, "")
    except (re.error, IndexError) as error:
        problems.add(path, f"{show(replacement)} does not go with the pattern: {error}")
