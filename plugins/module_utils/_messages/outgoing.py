# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Messages to send: checked against SQS's limits before the first call, and cut into batches. Pure.

Limits are those of API_SendMessage.html, API_SendMessageBatch.html and sqs-message-metadata.html.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._problems import Problems, join, read_mapping, refuse_unknown_keys, show
from .._topology.names import is_fifo
from .._topology.queue_attributes import ATTRIBUTES, read_attribute

MESSAGE_BYTES = ATTRIBUTES["maximum_message_size"].maximum
"""Largest message and largest batch, attributes included."""
BATCH_ENTRIES = 10
ATTRIBUTE_LIMIT = 10
ATTRIBUTE_NAME_MAXIMUM = ATTRIBUTE_TYPE_MAXIMUM = 256
"""Characters."""
MESSAGE_OPTIONS = ("body", "attributes", "group_id", "deduplication_id", "delay_seconds")

_CONTROL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TOKEN = re.compile(r"[A-Za-z0-9!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~]{1,128}")
_ATTRIBUTE_NAME = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")

Entry = dict[str, Any]


@dataclass(frozen=True)
class Outgoing:
    """Messages that a module was asked to send. ``path`` begins the paths of their faults."""

    entries: list[Entry]
    path: str

    def check_against(self, attributes: Mapping[str, Any]) -> None:
        """Raise InvalidInputError for messages that a queue with these attributes, typed, would refuse."""
        check_sizes(self.entries, attributes.get("maximum_message_size", MESSAGE_BYTES), self.path)
        if attributes["fifo"] and not attributes.get("content_based_deduplication"):
            check_deduplication(self.entries, self.path)


def read_outgoing(params: Mapping[str, Any]) -> Outgoing:
    """Return the messages of a module's options. Raises InvalidInputError with every fault, before the first call."""
    several = params["messages"] is not None
    messages = params["messages"] if several else [{key: params[key] for key in MESSAGE_OPTIONS}]
    path = "messages" if several else ""
    return Outgoing(read_messages(messages, path, fifo=is_fifo(params["queue"])), path)


def read_messages(messages: Sequence[Mapping[str, Any]], path: str, *, fifo: bool) -> list[Entry]:
    """Return messages as entries of SendMessageBatch, without IDs.

    Each message has ``body`` (a string, or data that is sent as JSON) and may have the other ``MESSAGE_OPTIONS``;
    None counts as absent. Raises InvalidInputError with every fault.
    """
    problems = Problems()
    entries = [
        _read_message(message, f"{path}[{position}]" if path else "", problems, fifo)
        for position, message in enumerate(messages)
    ]
    problems.raise_if_any("The messages" if path else "The message")
    return entries


def check_deduplication(entries: Iterable[Entry], path: str) -> None:
    """Raise InvalidInputError for entries of a FIFO queue without content-based deduplication that lack an ID."""
    problems = Problems()
    for position, entry in enumerate(entries):
        if "MessageDeduplicationId" not in entry:
            problems.add(
                join(f"{path}[{position}]" if path else "", "deduplication_id"),
                "is missing, and the queue has no content-based deduplication",
            )
    problems.raise_if_any("The messages" if path else "The message")


def check_sizes(entries: Iterable[Entry], limit: int, path: str) -> None:
    """Raise InvalidInputError for entries above ``limit`` bytes, the queue's maximum message size."""
    problems = Problems()
    for position, entry in enumerate(entries):
        if size_of(entry) > limit:
            problems.add(
                join(f"{path}[{position}]" if path else "", "body"),
                f"the message has {size_of(entry)} bytes, above the {limit} of the queue",
            )
    problems.raise_if_any("The messages" if path else "The message")


def size_of(entry: Mapping[str, Any]) -> int:
    """Return the bytes that SQS counts for a message: its body and the names, types and values of its attributes."""
    size = len(str(entry["MessageBody"]).encode())
    for name, attribute in entry.get("MessageAttributes", {}).items():
        value = attribute.get("StringValue", "").encode() or attribute.get("BinaryValue", b"")
        size += len(name.encode()) + len(attribute["DataType"].encode()) + len(value)
    return size


def batches(entries: Iterable[Entry], *, one_of_a_group: bool = False) -> list[list[Entry]]:
    """Cut entries, in order, into batches within SQS's limits; their IDs are their positions in the batch.

    Of a batch SQS may take the later entry and refuse the earlier: with ``one_of_a_group`` no batch has two entries of
    a message group, so that a group can be stopped at its first failure.
    """
    result: list[list[Entry]] = []
    room = 0
    groups: set[str] = set()
    for entry in entries:
        size = size_of(entry)
        group = entry.get("MessageGroupId")
        full = not result or len(result[-1]) == BATCH_ENTRIES or size > room
        if full or (one_of_a_group and group in groups):
            result.append([])
            room = MESSAGE_BYTES
            groups.clear()
        if group is not None:
            groups.add(group)
        result[-1].append({**entry, "Id": str(len(result[-1]))})
        room -= size
    return result


def read_attributes(value: object, path: str, problems: Problems) -> dict[str, Any]:
    """Return user attributes in the API's form.

    A string is a String, a number a Number; a mapping has ``type`` (String, Number, Binary, or one of them with a
    suffix) and ``value`` (Base64 for Binary).
    """
    given = read_mapping(value, path, problems)
    if len(given) > ATTRIBUTE_LIMIT:
        problems.add(path, f"{len(given)} attributes is above {ATTRIBUTE_LIMIT}")
    result = {}
    for name, raw in given.items():
        where = join(path, name)
        if not name.isascii() or not _ATTRIBUTE_NAME.fullmatch(name) or len(name) > ATTRIBUTE_NAME_MAXIMUM:
            problems.add(
                where,
                f"a name has up to {ATTRIBUTE_NAME_MAXIMUM} letters, digits, underscores, hyphens and single inner "
                "periods",
            )
        elif name.lower().startswith(("aws.", "amazon.")):
            problems.add(where, "names that begin with AWS. or Amazon. are reserved")
        else:
            attribute = _read_attribute(raw, where, problems)
            if attribute is not None:
                result[name] = attribute
    return result


def check_text(text: str, path: str, problems: Problems) -> None:
    """Add a fault for text that SQS refuses in a body: empty, or with characters that XML does not know."""
    found = _CONTROL.search(text)
    if not text:
        problems.add(path, "is empty; a message needs a body")
    elif found:
        problems.add(path, f"holds the character U+{ord(found.group()):04X} at {found.start()}, which SQS refuses")


def _read_message(message: Mapping[str, Any], path: str, problems: Problems, fifo: bool) -> Entry:
    given = {key: value for key, value in read_mapping(message, path, problems).items() if value is not None}
    refuse_unknown_keys(given, set(MESSAGE_OPTIONS), path, problems)
    before = len(problems.errors)
    entry: Entry = {"MessageBody": _read_body(given.get("body"), join(path, "body"), problems)}
    if given.get("attributes"):
        entry["MessageAttributes"] = read_attributes(given["attributes"], join(path, "attributes"), problems)
    entry.update(_read_group(given, path, problems, fifo))
    if "delay_seconds" in given:
        entry.update(_read_delay(given["delay_seconds"], join(path, "delay_seconds"), problems, fifo))
    if len(problems.errors) == before and size_of(entry) > MESSAGE_BYTES:
        problems.add(join(path, "body"), f"the message has {size_of(entry)} bytes, above {MESSAGE_BYTES}")
    return entry


def _read_group(given: Mapping[str, Any], path: str, problems: Problems, fifo: bool) -> Entry:
    entry: Entry = {}
    for key, name in (("group_id", "MessageGroupId"), ("deduplication_id", "MessageDeduplicationId")):
        if key not in given:
            continue
        if key == "deduplication_id" and not fifo:
            problems.add(join(path, key), "only a FIFO queue takes it")
        elif not _TOKEN.fullmatch(str(given[key])):
            problems.add(join(path, key), f"{show(given[key])} is not 1 to 128 letters, digits and punctuation marks")
        else:
            entry[name] = str(given[key])
    if fifo and "group_id" not in given:
        problems.add(join(path, "group_id"), "is missing; every message of a FIFO queue belongs to a group")
    return entry


def _read_delay(delay: object, path: str, problems: Problems, fifo: bool) -> Entry:
    if fifo:
        problems.add(path, "a FIFO queue delays all messages or none; set delay_seconds of the queue")
        return {}
    seconds = read_attribute(ATTRIBUTES["delay_seconds"], delay, path, problems)
    return {} if seconds is None else {"DelaySeconds": seconds}


def _read_body(body: object, path: str, problems: Problems) -> str:
    if body is None:
        problems.add(path, "is missing")
        return ""
    text = str(body) if isinstance(body, str) else json.dumps(body, separators=(",", ":"), ensure_ascii=False)
    check_text(text, path, problems)
    return text


def _read_attribute(raw: object, path: str, problems: Problems) -> dict[str, Any] | None:
    if isinstance(raw, Mapping):
        refuse_unknown_keys(raw, {"type", "value"}, path, problems)
        data_type, value = str(raw.get("type", "String")), raw.get("value")
    elif isinstance(raw, bool):
        problems.add(path, f"{show(raw)} is neither a string nor a number; quote it")
        return None
    else:
        data_type, value = ("Number" if isinstance(raw, (int, float)) else "String"), raw
    kind = data_type.split(".", maxsplit=1)[0]
    if kind not in ("String", "Number", "Binary") or len(data_type) > ATTRIBUTE_TYPE_MAXIMUM:
        problems.add(join(path, "type"), f"{show(data_type)} is not String, Number or Binary")
    elif isinstance(value, bool) or not isinstance(value, (str, int, float)) or str(value) == "":
        problems.add(path, f"{show(value)} is not a value; an attribute cannot be empty")
    elif kind == "Number" and not _NUMBER.fullmatch(str(value)):
        problems.add(path, f"{show(value)} is not a number")
    elif kind == "Binary":
        try:
            return {"DataType": data_type, "BinaryValue": base64.b64decode(str(value), validate=True)}
        except binascii.Error:
            problems.add(path, f"{show(value)} is not Base64")
    else:
        if kind == "String":
            check_text(str(value), path, problems)
        return {"DataType": data_type, "StringValue": str(value)}
    return None
