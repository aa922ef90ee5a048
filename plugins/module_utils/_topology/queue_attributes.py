# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The settable attributes of an SQS queue: names, types, limits, and which of them go together.

Every limit names the AWS page it comes from. Values are typed here (int, bool, str, and dict for the JSON
documents); :func:`to_aws` and :func:`from_aws` convert from and to the strings that the API uses.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Union

from .._problems import Problems, as_boolean, as_integer, join, out_of_range, show

AttributeValue = Union[int, bool, str, dict[str, Any]]

_API = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/"
_GUIDE = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/"

TAG_LIMIT = 50
"""More tags are not recommended, and tagging pages refuse them. Source: quotas-queues.html."""
TAG_KEY_MAXIMUM = 128
TAG_VALUE_MAXIMUM = 256
TAG_SOURCE = _GUIDE + "sqs-queue-tags.html"

REDRIVE_ALLOW_SOURCES = 10
"""Source queues that a byQueue redrive-allow policy may name. Source: API_SetQueueAttributes.html."""
RECEIVE_COUNT_MINIMUM, RECEIVE_COUNT_MAXIMUM = 1, 1000
"""Range of maxReceiveCount. Source: sqs-dead-letter-queues.html."""

POLICY_BYTES = 8192
POLICY_STATEMENTS = 20
POLICY_SOURCE = _GUIDE + "quotas-policies.html"

DEFAULT_KMS_DATA_KEY_REUSE_PERIOD = 300
"""Seconds, where a key is set without a period. Source: API_SetQueueAttributes.html."""

_TAG_TEXT = re.compile(r"[\w\s.:/=+\-@]*")


@dataclass(frozen=True)
class QueueAttribute:
    """One settable attribute.

    ``kind`` is ``int``, ``bool``, ``str`` or ``json``; ``minimum`` and ``maximum`` bound an ``int`` (seconds or
    bytes as ``unit`` says); ``choices`` bound a ``str``; ``source`` is the AWS page that states the limits.
    """

    key: str
    aws_name: str
    kind: str
    source: str
    minimum: int = 0
    maximum: int = 0
    unit: str = ""
    choices: tuple[str, ...] = ()
    fifo_only: bool = False


_SET = _API + "API_SetQueueAttributes.html"
_ALL = (
    QueueAttribute("visibility_timeout", "VisibilityTimeout", "int", _SET, 0, 43200, "seconds"),
    QueueAttribute("message_retention_period", "MessageRetentionPeriod", "int", _SET, 60, 1209600, "seconds"),
    QueueAttribute("receive_message_wait_time_seconds", "ReceiveMessageWaitTimeSeconds", "int", _SET, 0, 20, "seconds"),
    QueueAttribute("delay_seconds", "DelaySeconds", "int", _SET, 0, 900, "seconds"),
    QueueAttribute("maximum_message_size", "MaximumMessageSize", "int", _SET, 1024, 1048576, "bytes"),
    QueueAttribute("sqs_managed_sse_enabled", "SqsManagedSseEnabled", "bool", _SET),
    QueueAttribute("kms_master_key_id", "KmsMasterKeyId", "str", _SET),
    QueueAttribute(
        "kms_data_key_reuse_period_seconds", "KmsDataKeyReusePeriodSeconds", "int", _SET, 60, 86400, "seconds"
    ),
    QueueAttribute("content_based_deduplication", "ContentBasedDeduplication", "bool", _SET, fifo_only=True),
    QueueAttribute(
        "deduplication_scope", "DeduplicationScope", "str", _SET, choices=("messageGroup", "queue"), fifo_only=True
    ),
    QueueAttribute(
        "fifo_throughput_limit",
        "FifoThroughputLimit",
        "str",
        _SET,
        choices=("perQueue", "perMessageGroupId"),
        fifo_only=True,
    ),
    QueueAttribute("policy", "Policy", "json", POLICY_SOURCE),
    QueueAttribute("redrive_policy", "RedrivePolicy", "json", _GUIDE + "sqs-dead-letter-queues.html"),
    QueueAttribute("redrive_allow_policy", "RedriveAllowPolicy", "json", _SET),
)

ATTRIBUTES: dict[str, QueueAttribute] = {attribute.key: attribute for attribute in _ALL}
BY_AWS_NAME: dict[str, QueueAttribute] = {attribute.aws_name: attribute for attribute in _ALL}
SCALAR_KEYS: tuple[str, ...] = tuple(attribute.key for attribute in _ALL if attribute.kind != "json")

_READ_ONLY_INTEGERS = {
    "ApproximateNumberOfMessages": "approximate_number_of_messages",
    "ApproximateNumberOfMessagesNotVisible": "approximate_number_of_messages_not_visible",
    "ApproximateNumberOfMessagesDelayed": "approximate_number_of_messages_delayed",
    "CreatedTimestamp": "created_timestamp",
    "LastModifiedTimestamp": "last_modified_timestamp",
}


def read_attribute(attribute: QueueAttribute, value: object, path: str, problems: Problems) -> AttributeValue | None:
    """Return ``value`` typed as ``attribute`` wants it, or add a fault and return None."""
    reader = {"int": _read_integer, "bool": _read_boolean, "json": _read_document, "str": _read_string}[attribute.kind]
    return reader(attribute, value, path, problems)


def _read_integer(attribute: QueueAttribute, value: object, path: str, problems: Problems) -> int | None:
    integer = as_integer(value)
    if integer is None:
        problems.add(path, f"{show(value)} is not an integer")
    elif not attribute.minimum <= integer <= attribute.maximum:
        problems.add(path, out_of_range(integer, attribute.minimum, attribute.maximum, attribute.unit))
        return None
    return integer


def _read_boolean(attribute: QueueAttribute, value: object, path: str, problems: Problems) -> bool | None:
    boolean = as_boolean(value)
    if boolean is None:
        problems.add(path, f"{show(value)} is not a boolean")
    return boolean


def _read_string(attribute: QueueAttribute, value: object, path: str, problems: Problems) -> str | None:
    if not isinstance(value, str):
        problems.add(path, f"{show(value)} is not a string")
    elif attribute.choices and value not in attribute.choices:
        problems.add(path, f"{show(value)} is not one of {', '.join(attribute.choices)}")
    else:
        return str(value)
    return None


def read_scalars(given: Mapping[str, Any], path: str, problems: Problems, *, fifo: bool) -> dict[str, AttributeValue]:
    """Return the scalar attributes present in ``given`` (None counts as absent), typed; add a fault for each bad one.

    Faults cover single values and the combinations that SQS refuses.
    """
    before = len(problems.errors)
    values: dict[str, AttributeValue] = {}
    for key in SCALAR_KEYS:
        if given.get(key) is None:
            continue
        if ATTRIBUTES[key].fifo_only and not fifo:
            problems.add(join(path, key), "only a FIFO queue has it; set fifo: true or remove it")
            continue
        value = read_attribute(ATTRIBUTES[key], given[key], join(path, key), problems)
        if value is not None:
            values[key] = value
    if len(problems.errors) == before:
        _check_combinations(values, path, problems)
    return values


def _check_combinations(values: Mapping[str, AttributeValue], path: str, problems: Problems) -> None:
    key_id = values.get("kms_master_key_id")
    if key_id and values.get("sqs_managed_sse_enabled"):
        problems.add(
            join(path, "sqs_managed_sse_enabled"),
            "true excludes kms_master_key_id; a queue has one type of server-side encryption",
        )
    if "kms_data_key_reuse_period_seconds" in values and key_id == "":
        problems.add(join(path, "kms_data_key_reuse_period_seconds"), "needs a kms_master_key_id")
    if values.get("fifo_throughput_limit") == "perMessageGroupId" and values.get("deduplication_scope") == "queue":
        problems.add(join(path, "fifo_throughput_limit"), "perMessageGroupId needs deduplication_scope: messageGroup")


def _read_document(attribute: QueueAttribute, value: object, path: str, problems: Problems) -> dict[str, Any] | None:
    """Return a JSON document given as a mapping or as JSON text; the empty text and ``{}`` mean "removed"."""
    if isinstance(value, str):
        if not value.strip():
            return {}
        try:
            value = json.loads(value)
        except ValueError as error:
            problems.add(path, f"{show(value)} is not JSON: {error}")
            return None
    if not isinstance(value, Mapping):
        problems.add(path, f"{show(value)} is not a mapping")
        return None
    document = dict(value)
    if attribute.key == "policy":
        check_policy_size(document, path, problems)
    return document


def check_policy_size(document: Mapping[str, Any], path: str, problems: Problems) -> None:
    """Add a fault for a queue policy that SQS refuses for its size. Source: ``POLICY_SOURCE``."""
    size = len(json.dumps(document, separators=(",", ":")).encode())
    if size > POLICY_BYTES:
        problems.add(path, f"{size} bytes is above {POLICY_BYTES} bytes")
    statements = document.get("Statement", [])
    if isinstance(statements, list) and len(statements) > POLICY_STATEMENTS:
        problems.add(path, f"{len(statements)} statements is above {POLICY_STATEMENTS}")


def read_tags(value: object, path: str, problems: Problems) -> dict[str, str]:
    """Return tags as strings; add a fault for each one that SQS refuses. Source: ``TAG_SOURCE``."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        problems.add(path, f"{show(value)} is not a mapping")
        return {}
    tags: dict[str, str] = {}
    for key, raw in value.items():
        where = join(path, key)
        if not isinstance(key, str) or not key:
            problems.add(where, "the tag's key is not a string; quote it")
        elif isinstance(raw, bool) or not isinstance(raw, (str, int, float)):
            problems.add(where, f"{show(raw)} is not a string; quote it")
        elif len(key) > TAG_KEY_MAXIMUM:
            problems.add(where, f"the key is {len(key)} characters, above {TAG_KEY_MAXIMUM}")
        elif key.lower().startswith("aws:"):
            problems.add(where, "keys that begin with aws: are reserved by AWS")
        elif len(str(raw)) > TAG_VALUE_MAXIMUM:
            problems.add(where, f"the value is {len(str(raw))} characters, above {TAG_VALUE_MAXIMUM}")
        elif not _TAG_TEXT.fullmatch(key) or not _TAG_TEXT.fullmatch(str(raw)):
            problems.add(where, f"{show(raw)}: a tag may hold letters, digits, spaces and _.:/=+-@ only")
        else:
            tags[key] = str(raw)
    if len(value) > TAG_LIMIT:
        problems.add(path, f"{len(value)} tags is above {TAG_LIMIT}")
    return tags


def to_aws(values: Mapping[str, AttributeValue]) -> dict[str, str]:
    """Return the API's form of typed attributes: AWS's names, every value a string.

    An empty document becomes the empty string, which is how SQS removes one (``{}`` is refused); an empty
    redrive-allow policy becomes its default, which is to allow all.
    """
    result: dict[str, str] = {}
    for key, value in values.items():
        attribute = ATTRIBUTES[key]
        if attribute.kind == "bool":
            result[attribute.aws_name] = "true" if value else "false"
        elif key == "redrive_allow_policy" and not value:
            result[attribute.aws_name] = '{"redrivePermission":"allowAll"}'
        elif attribute.kind == "json":
            result[attribute.aws_name] = json.dumps(value, separators=(",", ":"), sort_keys=True) if value else ""
        else:
            result[attribute.aws_name] = str(value)
    return result


def from_aws(attributes: Mapping[str, str]) -> dict[str, Any]:
    """Return the typed form of what GetQueueAttributes answered, in snake_case; absent attributes stay absent.

    Beside the settable attributes it has ``arn``, ``fifo``, the message counts and the two timestamps (seconds
    since the epoch).
    """
    result: dict[str, Any] = {"fifo": attributes.get("FifoQueue", "false").lower() == "true"}
    for name, text in attributes.items():
        attribute = BY_AWS_NAME.get(name)
        if name == "QueueArn":
            result["arn"] = text
        elif name in _READ_ONLY_INTEGERS:
            result[_READ_ONLY_INTEGERS[name]] = int(float(text))
        elif attribute is None:
            continue
        elif attribute.kind == "int":
            result[attribute.key] = int(text)
        elif attribute.kind == "bool":
            result[attribute.key] = text.lower() == "true"
        elif attribute.kind == "json":
            result[attribute.key] = _parse_document(text)
        else:
            result[attribute.key] = text
    policy = result.get("redrive_policy")
    if policy and "maxReceiveCount" in policy:
        policy["maxReceiveCount"] = int(policy["maxReceiveCount"])
    return result


def _parse_document(text: str) -> dict[str, Any]:
    if not text.strip():
        return {}
    try:
        document = json.loads(text)
    except ValueError:
        return {"Unparsable": text}
    return document if isinstance(document, dict) else {"Unparsable": text}
