# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Received messages: how they are shown, filtered, edited and sent on. Pure."""

from __future__ import annotations

import base64
import datetime
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .._problems import Problems, as_integer, join, read_mapping, refuse_unknown_keys, show
from .._topology.names import name_in
from .outgoing import ATTRIBUTE_LIMIT, MESSAGE_BYTES, Entry, check_text, read_attributes, size_of

REASON_ATTRIBUTE = "DeadLetterReason"
"""Attribute in which a worker says why it sent a message to the dead-letter queue."""
SOURCE_ATTRIBUTE = "DeadLetterSource"
"""Attribute (JSON: queue, message_id, receive_count) in which it says where the message came from."""

Received = Mapping[str, Any]


def show_message(message: Received, now: float) -> dict[str, Any]:
    """Return a received message in the form of module results.

    ``now`` is in seconds since the epoch. Times are ISO 8601 in UTC, ages in seconds. ``reason`` and
    ``dead_letter_source`` are what is known about why the message is in a dead-letter queue.
    """
    system: Mapping[str, str] = message.get("Attributes", {})
    attributes = {name: _plain(value) for name, value in message.get("MessageAttributes", {}).items()}
    sent = _seconds(system.get("SentTimestamp"))
    first = _seconds(system.get("ApproximateFirstReceiveTimestamp"))
    return {
        "message_id": message["MessageId"],
        "body": message["Body"],
        "json": _as_json(message["Body"]),
        "attributes": attributes,
        "receive_count": int(system.get("ApproximateReceiveCount", 0)),
        "sent_at": _iso(sent),
        "first_received_at": _iso(first),
        "age_seconds": None if sent is None else max(0, int(now - sent)),
        "group_id": system.get("MessageGroupId"),
        "deduplication_id": system.get("MessageDeduplicationId"),
        "sequence_number": system.get("SequenceNumber"),
        "trace_header": system.get("AWSTraceHeader"),
        "sender_id": system.get("SenderId"),
        "reason": attributes.get(REASON_ATTRIBUTE),
        "dead_letter_source": source_of(message),
    }


def source_of(message: Received) -> str | None:
    """Return the name of the queue that a message in a dead-letter queue came from, or None when it is not known."""
    arn = message.get("Attributes", {}).get("DeadLetterQueueSourceArn")
    if arn:
        return name_in(str(arn))
    told = _as_json(message.get("MessageAttributes", {}).get(SOURCE_ATTRIBUTE, {}).get("StringValue", ""))
    name = told.get("queue") if isinstance(told, dict) else None
    return name if isinstance(name, str) else None


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
        _check_pattern(fields["body_matches"], join(path, "body_matches"), problems)
    attributes = read_mapping(given.get("attributes"), join(path, "attributes"), problems)
    return MessageFilter(**fields, attributes={name: str(item) for name, item in attributes.items()})


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
        elif _check_pattern(pattern, join(where, "pattern"), problems):
            _check_replacement(pattern, replacement, join(where, "replacement"), problems)
        replace.append((pattern, replacement))
    return MessageEdit(
        replace=tuple(replace),
        set_attributes=read_attributes(given.get("set_attributes"), join(path, "set_attributes"), problems),
        remove_attributes=tuple(
            str(name) for name in _list(given.get("remove_attributes"), join(path, "remove_attributes"), problems)
        ),
    )


def resend_entry(message: Received, *, fifo: bool) -> Entry:
    """Return a received message as it is sent to another queue.

    Body, attributes, trace header and, for a FIFO queue, group and deduplication ID are kept. What a worker noted
    about the dead-lettering is left out: it is history once the message is tried again.
    """
    attributes = {
        name: {key: item for key, item in value.items() if key in ("DataType", "StringValue", "BinaryValue")}
        for name, value in message.get("MessageAttributes", {}).items()
        if name not in (REASON_ATTRIBUTE, SOURCE_ATTRIBUTE)
    }
    system: Mapping[str, str] = message.get("Attributes", {})
    entry: Entry = {"MessageBody": message["Body"], "MessageAttributes": attributes}
    if "AWSTraceHeader" in system:
        header = {"DataType": "String", "StringValue": system["AWSTraceHeader"]}
        entry["MessageSystemAttributes"] = {"AWSTraceHeader": header}
    if system.get("MessageGroupId"):
        entry["MessageGroupId"] = system["MessageGroupId"]
    if fifo:
        entry.setdefault("MessageGroupId", "default")
        entry["MessageDeduplicationId"] = system.get("MessageDeduplicationId") or message["MessageId"]
    return entry


def _within(value: int | None, minimum: int | None, maximum: int | None) -> bool:
    if minimum is None and maximum is None:
        return True
    return value is not None and (minimum is None or value >= minimum) and (maximum is None or value <= maximum)


def _list(value: object, path: str, problems: Problems) -> list[Any]:
    if value is None:
        return []
    if isinstance(value, (list, tuple)):
        return list(value)
    problems.add(path, f"{show(value)} is not a list")
    return []


def _check_pattern(pattern: str, path: str, problems: Problems) -> bool:
    try:
        re.compile(pattern)
    except re.error as error:
        problems.add(path, f"{show(pattern)} is not a regular expression: {error}")
        return False
    return True


def _check_replacement(pattern: str, replacement: str, path: str, problems: Problems) -> None:
    """Find references to groups that the pattern does not have, which would only show at the first match."""
    try:
        probe = re.compile(f"(?:{pattern})|")
        probe.sub(replacement, "")
    except (re.error, IndexError) as error:
        problems.add(path, f"{show(replacement)} does not go with the pattern: {error}")


def _plain(attribute: Mapping[str, Any]) -> Any:
    """Return an attribute's value: a number where it is one, Base64 where it is binary, else text."""
    kind = attribute["DataType"].split(".")[0]
    if kind == "Binary":
        return base64.b64encode(attribute.get("BinaryValue", b"")).decode()
    text = attribute.get("StringValue", "")
    if kind == "Number":
        try:
            return int(text)
        except ValueError:
            return text
    return text


def _as_json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _seconds(milliseconds: str | None) -> float | None:
    return None if milliseconds is None else int(milliseconds) / 1000


def _iso(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    moment = datetime.datetime.fromtimestamp(seconds, tz=datetime.timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
