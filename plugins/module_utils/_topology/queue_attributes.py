# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The settable attributes of an SQS queue, one table: names, types, limits, defaults; and which of them go together.

Module options, keys and defaults of a topology, the expanded queue and the comparison derive from it; what a reader is
given, ``plugins/doc_fragments/queue_options.py``, is held against it by a test. Every limit names the AWS page it comes
from. Values are typed here (int, bool, str, and dict for the JSON documents); :func:`to_aws` and :func:`from_aws`
convert from and to the strings that the API uses.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from typing import Any, TypedDict, Union

from .._problems import Problems, as_boolean, bounded_integer, join, show

AttributeValue = Union[int, bool, str, dict[str, Any]]

_API = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/"
_GUIDE = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/"

REDRIVE_ALLOW_SOURCES = 10
"""Source queues that a byQueue redrive-allow policy may name. Source: API_SetQueueAttributes.html."""
RECEIVE_COUNT_MINIMUM, RECEIVE_COUNT_MAXIMUM = 1, 1000
"""Range of maxReceiveCount. Source: sqs-dead-letter-queues.html."""
DEFAULT_RECEIVE_COUNT = 10
"""maxReceiveCount, where a redrive policy does not say it. Source: API_SetQueueAttributes.html."""

_SET = _API + "API_SetQueueAttributes.html"

POLICY_BYTES = 8192
POLICY_STATEMENTS = 20
POLICY_SOURCE = _GUIDE + "quotas-policies.html"

DEFAULT_KMS_DATA_KEY_REUSE_PERIOD = 300
"""Seconds, where a key is set without a period. Source: API_SetQueueAttributes.html."""


@dataclass(frozen=True)
class QueueAttribute:
    """One settable attribute.

    ``kind`` is ``int``, ``bool``, ``str`` or ``json``; ``minimum`` and ``maximum`` bound an ``int`` (seconds or
    bytes as ``unit`` says); ``choices`` bound a ``str``; ``source`` is the AWS page that states the limits.
    ``default`` is what a topology gives to a queue, ``dead_letter_default`` what it gives to a dead-letter queue where
    that differs; without one nothing is set. ``when_absent`` is what SQS means where it reports no value.
    """

    key: str
    aws_name: str
    kind: str
    source: str = _SET
    minimum: int = 0
    maximum: int = 0
    unit: str = ""
    choices: tuple[str, ...] = ()
    fifo_only: bool = False
    default: int | bool | str | None = None
    dead_letter_default: int | bool | str | None = None
    when_absent: Any = None

    @property
    def argument(self) -> dict[str, Any]:
        """The attribute as a module's option, in the form of Ansible's argument specification."""
        specification: dict[str, Any] = {"type": "dict" if self.kind == "json" else self.kind}
        if self.choices:
            specification["choices"] = list(self.choices)
        if "key" in self.key:
            # Ansible takes it for a secret by its name.
            specification["no_log"] = False
        return specification


_ALL = (
    QueueAttribute("visibility_timeout", "VisibilityTimeout", "int", _SET, 0, 43200, "seconds", default=300),
    QueueAttribute(
        "message_retention_period",
        "MessageRetentionPeriod",
        "int",
        _SET,
        60,
        1209600,
        "seconds",
        default=345600,
        dead_letter_default=1209600,
    ),
    QueueAttribute(
        "receive_message_wait_time_seconds", "ReceiveMessageWaitTimeSeconds", "int", _SET, 0, 20, "seconds", default=20
    ),
    QueueAttribute("delay_seconds", "DelaySeconds", "int", _SET, 0, 900, "seconds", default=0),
    QueueAttribute("maximum_message_size", "MaximumMessageSize", "int", _SET, 1024, 1048576, "bytes", default=1048576),
    # What a topology gives of these two follows from the key; see ``read``.
    QueueAttribute("sqs_managed_sse_enabled", "SqsManagedSseEnabled", "bool"),
    QueueAttribute("kms_master_key_id", "KmsMasterKeyId", "str", default="", when_absent=""),
    QueueAttribute(
        "kms_data_key_reuse_period_seconds", "KmsDataKeyReusePeriodSeconds", "int", _SET, 60, 86400, "seconds"
    ),
    QueueAttribute(
        "content_based_deduplication",
        "ContentBasedDeduplication",
        "bool",
        fifo_only=True,
        default=True,
        when_absent=False,
    ),
    QueueAttribute(
        "deduplication_scope",
        "DeduplicationScope",
        "str",
        choices=("messageGroup", "queue"),
        fifo_only=True,
        default="queue",
        when_absent="queue",
    ),
    QueueAttribute(
        "fifo_throughput_limit",
        "FifoThroughputLimit",
        "str",
        choices=("perQueue", "perMessageGroupId"),
        fifo_only=True,
        default="perQueue",
        when_absent="perQueue",
    ),
    QueueAttribute("policy", "Policy", "json", POLICY_SOURCE, when_absent={}),
    QueueAttribute("redrive_policy", "RedrivePolicy", "json", _GUIDE + "sqs-dead-letter-queues.html", when_absent={}),
    QueueAttribute("redrive_allow_policy", "RedriveAllowPolicy", "json", when_absent={}),
)

ATTRIBUTES: dict[str, QueueAttribute] = {attribute.key: attribute for attribute in _ALL}
BY_AWS_NAME: dict[str, QueueAttribute] = {attribute.aws_name: attribute for attribute in _ALL}
SCALAR_KEYS: tuple[str, ...] = tuple(attribute.key for attribute in _ALL if attribute.kind != "json")
FIFO_KEYS: tuple[str, ...] = tuple(attribute.key for attribute in _ALL if attribute.fifo_only)


class QueueAttributes(TypedDict):
    """The scalar attributes of one queue, typed; None where the queue's type has no such attribute."""

    visibility_timeout: int
    message_retention_period: int
    receive_message_wait_time_seconds: int
    delay_seconds: int
    maximum_message_size: int
    sqs_managed_sse_enabled: bool
    kms_master_key_id: str | None
    kms_data_key_reuse_period_seconds: int | None
    content_based_deduplication: bool | None
    deduplication_scope: str | None
    fifo_throughput_limit: str | None


COUNTS = {
    "ApproximateNumberOfMessages": "approximate_number_of_messages",
    "ApproximateNumberOfMessagesNotVisible": "approximate_number_of_messages_not_visible",
    "ApproximateNumberOfMessagesDelayed": "approximate_number_of_messages_delayed",
}
"""The approximate numbers of messages that SQS reports of a queue: visible, in flight, delayed."""
_READ_ONLY_INTEGERS = {
    **COUNTS,
    "CreatedTimestamp": "created_timestamp",
    "LastModifiedTimestamp": "last_modified_timestamp",
}


def topology_defaults(*, fifo: bool, dead_letter: bool = False) -> dict[str, Any]:
    """Return what a topology gives to a queue of this type where it says nothing; without encryption."""
    return {
        attribute.key: attribute.default
        if not dead_letter or attribute.dead_letter_default is None
        else attribute.dead_letter_default
        for attribute in _ALL
        if attribute.default is not None and (fifo or not attribute.fifo_only)
    }


def effective_attributes(actual: Mapping[str, Any]) -> dict[str, Any]:
    """Return what :func:`from_aws` returned with the values that SQS means where it leaves one out.

    ``sqs_managed_sse_enabled`` is the one that SQS always reports: where it is missing the endpoint has no
    encryption, and there is nothing to compare.
    """
    absent = {
        attribute.key: copy(attribute.when_absent)
        for attribute in _ALL
        if attribute.when_absent is not None and (actual.get("fifo") or not attribute.fifo_only)
    }
    values: dict[str, Any] = {**absent, **actual}
    if values["kms_master_key_id"]:
        values.setdefault("kms_data_key_reuse_period_seconds", DEFAULT_KMS_DATA_KEY_REUSE_PERIOD)
        values["sqs_managed_sse_enabled"] = False
    else:
        values["kms_data_key_reuse_period_seconds"] = None
    return values


def read_attribute(attribute: QueueAttribute, value: object, path: str, problems: Problems) -> AttributeValue | None:
    """Return ``value`` typed as ``attribute`` wants it, or add a fault and return None."""
    reader = {"int": _read_integer, "bool": _read_boolean, "json": _read_document, "str": _read_string}[attribute.kind]
    return reader(attribute, value, path, problems)


def _read_integer(attribute: QueueAttribute, value: object, path: str, problems: Problems) -> int | None:
    return bounded_integer(
        value, path, problems, minimum=attribute.minimum, maximum=attribute.maximum, unit=attribute.unit
    )


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
        for fault in policy_faults(document):
            problems.add(path, fault)
    return document


def policy_faults(document: Mapping[str, Any]) -> list[str]:
    """Return why SQS refuses a queue policy for its size; empty where it does not. Source: ``POLICY_SOURCE``."""
    faults = []
    size = len(json.dumps(document, separators=(",", ":")).encode())
    if size > POLICY_BYTES:
        faults.append(f"has {size} bytes, above SQS's {POLICY_BYTES}")
    statements = document.get("Statement", [])
    if isinstance(statements, list) and len(statements) > POLICY_STATEMENTS:
        faults.append(f"has {len(statements)} statements, above SQS's {POLICY_STATEMENTS}")
    return faults


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
