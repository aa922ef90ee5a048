# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the modules that manage queues share: arguments, connection, results, errors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from .._aws.client import CallCounter, connect
from .._problems import InvalidInputError, Problems, bounded_integer
from .._progress import reporter
from .._topology.expand import expand
from .._topology.names import Place, check_place, partition_of
from .._topology.queue_attributes import ATTRIBUTES
from .api import AwsCallError, QueueApi, account_of
from .reconcile import Options, Outcome, QueueEngine
from .wanted import DesiredQueue, check_arguments, from_topology, read_arguments

WAIT_MAXIMUM = 3600


def queue_options() -> dict[str, dict[str, Any]]:
    """Return the argument specification of one queue."""
    return {
        "name": {"type": "str", "required": True},
        "fifo": {"type": "bool"},
        **{key: attribute.argument for key, attribute in ATTRIBUTES.items()},
        "tags": {"type": "dict"},
    }


def reconcile_options() -> dict[str, dict[str, Any]]:
    """Return the argument specification of how queues are brought to their state."""
    return {
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "purge_tags": {"type": "bool", "default": True},
        "account_id": {"type": "str"},
        "allow_lower_retention": {"type": "bool", "default": False},
        "allow_message_loss": {"type": "bool", "default": False},
        "wait": {"type": "bool", "default": True},
        "wait_timeout": {"type": "int", "default": 60},
    }


@contextmanager
def clear_failure(module: Any) -> Iterator[None]:
    """End the module with one message for a refused input or a failed call."""
    try:
        yield
    except InvalidInputError as error:
        module.fail_json(msg=str(error), errors=error.errors)
    except AwsCallError as error:
        module.fail_json(msg=str(error))


def region_of(module: Any) -> str:
    """Return the module's region, or end the module when none is set."""
    region = module.region
    if not region:
        module.fail_json(msg="no region is set; set region, AWS_REGION, or one in the AWS profile")
    return str(region)


def connect_queues(module: Any, counter: CallCounter | None = None) -> QueueApi:
    """Return the queues of the module's account and region; long work reports its progress."""
    return QueueApi(connect(module, "sqs", counter), progress=reporter(module))


def _check_wait(seconds: int) -> None:
    problems = Problems()
    bounded_integer(seconds, "wait_timeout", problems, minimum=0, maximum=WAIT_MAXIMUM, unit="seconds")
    problems.raise_if_any("The wait")


class Wanted:
    """The queues that a module was asked for: their names at once, their full form once the account is known.

    Raises InvalidInputError, before any call, with every fault.
    """

    def __init__(self, module: Any, topology: object, queues: Sequence[Mapping[str, Any]] | None) -> None:
        self._region = region_of(module)
        self._purge_tags = bool(module.params["purge_tags"])
        self._topology = topology
        self._queues = queues
        self._indexed = "queues" in module.params
        account = check_place(self._region, module.params["account_id"])
        _check_wait(module.params["wait_timeout"])
        if queues is not None:
            check_arguments(queues, indexed=self._indexed)
            self.names = [str(queue["name"]) for queue in queues]
        else:
            expanded = expand(topology, region=self._region, account_id=account)
            self.names = [queue["name"] for queue in expanded["queues"].values()]

    def at(self, place: Place) -> list[DesiredQueue]:
        if self._queues is not None:
            return read_arguments(self._queues, place, indexed=self._indexed, purge_tags=self._purge_tags)
        expanded = expand(self._topology, region=place.region, account_id=place.account_id, partition=place.partition)
        return from_topology(expanded, purge_tags=self._purge_tags)

    def with_derived(self, queues: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        """Return the queues of an outcome, each with all that a topology derives for it."""
        if self._queues is not None:
            return dict(queues)
        expanded = expand(self._topology, region=self._region)
        derived: dict[str, dict[str, Any]] = {key: dict(queue) for key, queue in expanded["queues"].items()}
        return {key: {**derived[key], **queue} for key, queue in queues.items()}


def reconcile(module: Any, wanted: Wanted) -> tuple[Outcome, dict[str, Any]]:
    """Bring the wanted queues to the module's state; return the outcome and the result that all modules give.

    Raises InvalidInputError and AwsCallError.
    """
    counter = CallCounter()
    region = region_of(module)
    given_account = module.params["account_id"]

    def place_of(account: str | None) -> Place:
        if given_account and account and account != given_account:
            problems = Problems()
            problems.add("account_id", f"{given_account} is not the account of these queues, which is {account}")
            problems.raise_if_any("The place of the queues")
        account = given_account or account or account_of(connect(module, "sts", counter))
        return Place(region=region, account_id=account, partition=partition_of(region))

    options = Options(
        check_mode=module.check_mode,
        allow_lower_retention=module.params["allow_lower_retention"],
        allow_message_loss=module.params["allow_message_loss"],
        wait=module.params["wait"],
        wait_timeout=module.params["wait_timeout"],
    )
    engine = QueueEngine(connect_queues(module, counter), place_of, options)
    act = engine.present if module.params["state"] == "present" else engine.absent
    outcome = act(wanted.names, wanted.at)
    if outcome.not_propagated:
        module.warn(
            f"not yet visible everywhere after {options.wait_timeout} s: {', '.join(outcome.not_propagated)}; "
            "SQS takes up to 60 s, and up to 15 min for message_retention_period"
        )
    result: dict[str, Any] = {
        "changed": bool(outcome.changes),
        "changes": [change.summary() for change in outcome.changes],
        "api_calls": counter.as_dict(),
        "unreported_attributes": outcome.unreported,
    }
    if module._diff:
        result["diff"] = [change.diff() for change in outcome.changes]
    return outcome, result
