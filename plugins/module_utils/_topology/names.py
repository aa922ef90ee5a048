# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one place that makes and parses names, ARNs, URLs and environment keys. Pure: no I/O."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from .._problems import Problems, as_integer, show
from .shapes import Process

Derived = TypeVar("Derived")

DEAD_LETTER_QUEUE_KEYS = ("dlq", "dlq-fifo")

FIFO_SUFFIX = ".fifo"
"""Ends the name of every FIFO queue, and of no other. Source: quotas-queues.html."""
QUEUE_NAME_MAXIMUM = 80
"""Characters of a queue name, ``.fifo`` included. Source: quotas-queues.html."""
ROLE_NAME_MAXIMUM = 64
"""Characters of an IAM role's name. Source: IAM API_CreateRole.html."""

SEED_PREFIX = "ecommerce"
"""The prefix whose backlog alarms carry the bare names that operators know (``high-order-queue-depth``)."""

_BACKLOG = "high-"
_QUEUE_NAME = re.compile(r"[A-Za-z0-9_-]+(\.fifo)?")
_REGION = re.compile(r"[a-z]{2,}(-[a-z]+)+-\d+")
_PARTITION = re.compile(r"aws(-[a-z]+)*")
_ACCOUNT_ID = re.compile(r"[0-9]{12}")
_PARTITIONS = (
    ("cn-", "aws-cn"),
    ("us-gov-", "aws-us-gov"),
    ("us-isob-", "aws-iso-b"),
    ("us-isof-", "aws-iso-f"),
    ("us-iso-", "aws-iso"),
    ("eu-isoe-", "aws-iso-e"),
    ("eusc-", "aws-eusc"),
)
_SERVICES_WITHOUT_REGION = ("iam",)


# ARNs and places


@dataclass(frozen=True)
class Arn:
    """An ARN in its parts; ``str()`` puts them together. ``region`` and ``account_id`` may be empty."""

    partition: str
    service: str
    region: str
    account_id: str
    resource: str

    def __str__(self) -> str:
        return f"arn:{self.partition}:{self.service}:{self.region}:{self.account_id}:{self.resource}"


def is_arn(text: object) -> bool:
    """Tell whether a value is meant as an ARN: it begins as one."""
    return isinstance(text, str) and text.startswith("arn:")


def parse_arn(text: object) -> Arn | None:
    """Return an ARN in its parts, or None for what is none."""
    parts = text.split(":", 5) if isinstance(text, str) else []
    return Arn(*parts[1:]) if len(parts) == 6 and parts[0] == "arn" else None


def parse_queue_arn(text: object) -> Arn | None:
    """Return the ARN of a queue in its parts, its name being ``resource``; None for what is none."""
    arn = parse_arn(text)
    return arn if arn is not None and arn.service == "sqs" and ":" not in arn.resource else None


def is_policy_arn(text: object) -> bool:
    """Tell whether a value is the ARN of an IAM policy, of an account or of AWS itself."""
    arn = parse_arn(text)
    return (
        arn is not None
        and arn.partition.startswith("aws")
        and arn.service == "iam"
        and arn.region == ""
        and (arn.account_id == "aws" or _ACCOUNT_ID.fullmatch(arn.account_id) is not None)
        and re.fullmatch("policy/.+", arn.resource) is not None
    )


@dataclass(frozen=True)
class Place:
    """Where things are: enough to know their ARNs. ``account_id`` has 12 digits."""

    region: str
    account_id: str
    partition: str

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of ``resource`` (such as ``role/NAME``) of ``service`` (such as ``iam``)."""
        region = "" if service in _SERVICES_WITHOUT_REGION else self.region
        return str(Arn(self.partition, service, region, self.account_id, resource))

    def queue_arn(self, name: str) -> str:
        """Return a queue's ARN, which follows from where the queue is and how it is named."""
        return self.arn("sqs", name)


def place_of(expanded: Mapping[str, Any]) -> Place:
    """Return the place of an expanded topology. Raises ValueError where it was expanded without an account."""
    if not expanded.get("account_id"):
        raise ValueError("an ARN names its account: expand the topology with an account_id")
    return Place(expanded["region"], str(expanded["account_id"]), expanded["partition"])


def derive_in_account(derive: Callable[[Place], Derived], *, region: str, caller: Callable[[], str]) -> Derived:
    """Return what ``derive`` makes of the caller's place.

    It is called with an account made up before, so that it names every fault before the first call to AWS.

    :param caller: asks AWS for the ARN of the caller.
    """
    derive(Place(region, "0" * 12, partition_of(region)))
    return derive(place_of_caller(caller(), region))


def place_of_caller(arn: str, region: str = "") -> Place:
    """Return the place of whoever has this ARN, as ``sts:GetCallerIdentity`` gives it; ``region`` is where it works.

    Raises ValueError for what is no ARN.
    """
    caller = parse_arn(arn)
    if caller is None:
        raise ValueError(f"{show(arn)} is not the ARN of a caller")
    return Place(region, caller.account_id, caller.partition)


def partition_of(region: str) -> str:
    """Return the partition of a region by its prefix."""
    return next((partition for prefix, partition in _PARTITIONS if region.startswith(prefix)), "aws")


def dns_suffix(partition: str) -> str:
    """Return the domain of service principals and endpoints in a partition (``aws``, ``aws-cn``, ``aws-us-gov``)."""
    return "amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com"


def check_place(region: object, account_id: object, partition: object = None) -> str | None:
    """Return the account as a string, or None without one.

    Raises InvalidInputError for a region, an account or a partition that cannot be one.
    """
    problems = Problems()
    if not isinstance(region, str) or not _REGION.fullmatch(region):
        problems.add("region", f"{show(region)} is not a region such as ap-southeast-1")
    if partition is not None and not (isinstance(partition, str) and _PARTITION.fullmatch(partition)):
        problems.add("partition", f"{show(partition)} is not a partition such as aws or aws-cn")
    account: str | None = None
    if account_id is not None and account_id != "":
        account = str(account_id)
        if as_integer(account_id) is None or not _ACCOUNT_ID.fullmatch(account):
            problems.add("account_id", f"{show(account_id)} is not an account of 12 digits; quote it")
    problems.raise_if_any("The place of sqs_topology")
    return account


def name_in(reference: str) -> str:
    """Return the name at the end of an ARN, a URL or a path; a name is its own."""
    separator = "/" if "/" in reference else ":"
    return reference.rstrip("/").rpartition(separator)[2]


# Queues


def queue_name(prefix: str, key: str, *, fifo: bool) -> str:
    """Return the name of the queue ``key``; dead-letter queues have no ``-queue`` in theirs."""
    stem = f"{prefix}-dlq" if key in DEAD_LETTER_QUEUE_KEYS else f"{prefix}-{key}-queue"
    return f"{stem}{FIFO_SUFFIX}" if fifo else stem


def is_fifo(queue: str) -> bool:
    """Tell whether a queue's name, ARN or URL is that of a FIFO queue."""
    return queue.endswith(FIFO_SUFFIX)


def without_type(name: str) -> str:
    """Return a queue's name without ``.fifo``."""
    return name.removesuffix(FIFO_SUFFIX)


def name_of_other_type(name: str) -> str:
    """Return the name that a queue would have if it were of the other type, FIFO or standard."""
    return without_type(name) if is_fifo(name) else f"{name}{FIFO_SUFFIX}"


def endpoint_service_name(region: str) -> str:
    """Return the name of SQS as a service that a VPC endpoint leads to."""
    return f"com.amazonaws.{region}.sqs"


def queue_url(endpoint: str, account_id: str, name: str) -> str:
    """Return the URL of a queue at an endpoint (``https://sqs.REGION.amazonaws.com``)."""
    return f"{endpoint.rstrip('/')}/{account_id}/{name}"


def environment_key(key: str) -> str:
    """Return the name of the variable that holds the URL of the queue ``key``."""
    word = key.upper().replace("-", "_")
    return f"{word}_URL" if key in DEAD_LETTER_QUEUE_KEYS else f"{word}_QUEUE_URL"


def check_queue_name(name: object, path: str, problems: Problems) -> bool:
    """Add a fault for a queue name that SQS refuses; return whether it is a good one. Source: quotas-queues.html."""
    if not isinstance(name, str) or not name:
        problems.add(path, f"{show(name)} is not a queue name")
        return False
    if not name.isascii() or not _QUEUE_NAME.fullmatch(name):
        problems.add(path, f"{show(name)} may hold letters, digits, hyphens and underscores only, and end in .fifo")
        return False
    if len(name) > QUEUE_NAME_MAXIMUM:
        problems.add(path, f"{show(name)} is {len(name)} characters, above {QUEUE_NAME_MAXIMUM}")
        return False
    return True


# Services, workers and what an account gets for them


def role_name(prefix: str, service: str, *, shared: bool = False) -> str:
    """Return the name of a service's role; ``shared`` where all services have one together."""
    return f"{prefix}-ec2-role" if shared else f"{prefix}-{service}-role"


def policy_name(prefix: str, service: str, *, shared: bool = False) -> str:
    """Return the name of the policy of a service's role."""
    return f"{prefix}-sqs-policy" if shared else f"{prefix}-{service}-sqs-policy"


def instance_profile_name(prefix: str, service: str) -> str:
    """Return the name of a service's own instance profile."""
    return f"{prefix}-{service}-instance-profile"


def shared_instance_profile_name(prefix: str) -> str:
    """Return the name of the instance profile that all services share, where the operator gives none."""
    return instance_profile_name(prefix, "ec2")


def redrive_role_name(prefix: str) -> str:
    """Return the name of the role with which an operator redrives."""
    return f"{prefix}-redrive-role"


def redrive_policy_name(prefix: str) -> str:
    """Return the name of that role's policy."""
    return f"{prefix}-redrive-policy"


def worker_name(service: str, queue: str, *, of_several: bool) -> str:
    """Return the name of the worker of a service for the queue ``queue``; ``of_several`` names the queue as well."""
    return f"{service}-{queue}-queue-worker" if of_several else f"{service}-queue-worker"


def alarm_name_prefixes(prefix: str) -> list[str]:
    """Return with what the names of a topology's alarms begin, one of these each; so may those of other alarms."""
    return [f"{prefix}-", _BACKLOG] if prefix == SEED_PREFIX else [f"{prefix}-"]


def service_process_name(service: str) -> str:
    """Return the name of the process of a service; a worker's is the worker's own name."""
    return f"{service}-service"


def process(name: str) -> Process:
    """Return the names that go with the process ``name``, whatever keeps it running."""
    return {
        "name": name,
        "unit": f"{name}.service",
        "template_unit": f"{name}@.service",
        "log": f"logs/{name}.log",
        "error_log": f"logs/{name}.error.log",
    }


def alarm_name(prefix: str, key: str, kind: str) -> str:
    """Return the name of the alarm ``kind`` (see ``alarms.KINDS``) of the queue ``key``."""
    if kind == "backlog":
        bare = f"{_BACKLOG}{key}-queue-depth"
        return bare if prefix == SEED_PREFIX else f"{prefix}-{bare}"
    stem = key if key in DEAD_LETTER_QUEUE_KEYS else f"{key}-queue"
    return f"{prefix}-{stem}-{kind.replace('_', '-')}"


def scaling_policy_name(form: str, queue: str, *, of_several: bool) -> str:
    """Return the name of a scaling policy of ``form`` for the queue ``queue``."""
    stem = "scale-up-on-queue-depth" if form == "queue_depth" else "backlog-per-instance"
    return f"{queue}-{stem}" if of_several else stem
