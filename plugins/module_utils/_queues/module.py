# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules that are about queues, ``queue``, ``queues`` and ``queue_info``: their options and their work."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._aws.run import Aws
from .._problems import InvalidInputError, Problems, bounded_integer
from .._topology.names import Place, check_place, partition_of, place_of_caller
from .._topology.queue_attributes import ATTRIBUTES
from .api import QueueApi
from .lookup import look_up, read_references
from .reconcile import Options, Outcome, QueueReconciler
from .wanted import Wanted, of_arguments, of_topology

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


def manage_queue(parameters: Mapping[str, Any], aws: Aws) -> dict[str, Any]:
    """Do the work of module ``queue``; return its result. Raises InvalidInputError and RefusedError."""
    _check(parameters, aws)
    given = {key: parameters[key] for key in queue_options()}
    wanted = of_arguments([given], indexed=False, purge_tags=parameters["purge_tags"])
    outcome, result = _reconcile(parameters, aws, wanted)
    if parameters["state"] == "present":
        result["queue"] = outcome.queues[parameters["name"]]
    return result


def manage_queues(parameters: Mapping[str, Any], aws: Aws) -> dict[str, Any]:
    """Do the work of module ``queues``; return its result. Raises InvalidInputError and RefusedError."""
    account = _check(parameters, aws)
    purge_tags = parameters["purge_tags"]
    if parameters["topology"] is None:
        if parameters["queues"] is None:
            raise InvalidInputError("queues", ["queues: is null; give a list of queues, or a topology"])
        wanted = of_arguments(parameters["queues"], indexed=True, purge_tags=purge_tags)
    else:
        wanted = of_topology(parameters["topology"], region=aws.region, account_id=account, purge_tags=purge_tags)
    outcome, result = _reconcile(parameters, aws, wanted)
    if parameters["state"] == "present":
        result["queues"] = {key: {**wanted.derived.get(key, {}), **queue} for key, queue in outcome.queues.items()}
        result["other_queues"] = outcome.others
    return result


def show_queues(parameters: Mapping[str, Any], aws: Aws) -> dict[str, Any]:
    """Do the work of module ``queue_info``; return its result. Raises InvalidInputError and RefusedError."""
    names = parameters["names"]
    references = None if names is None else read_references(names, aws.region, "names")
    found, missing = look_up(
        QueueApi(aws.client("sqs"), counting=aws.counting),
        references,
        prefix=parameters["prefix"] or "",
        urls_only=parameters["urls_only"],
    )
    return {"changed": False, "queues": found, "missing": missing}


def _check(parameters: Mapping[str, Any], aws: Aws) -> str | None:
    """Return the account that the options name, or None."""
    account = check_place(aws.region, parameters["account_id"])
    problems = Problems()
    bounded_integer(
        parameters["wait_timeout"], "wait_timeout", problems, minimum=0, maximum=WAIT_MAXIMUM, unit="seconds"
    )
    problems.raise_if_any("The wait")
    return account


def _reconcile(parameters: Mapping[str, Any], aws: Aws, wanted: Wanted) -> tuple[Outcome, dict[str, Any]]:
    """Bring the wanted queues to their state; return the outcome and the result that both modules give."""
    options = Options(
        check_mode=aws.check_mode,
        allow_lower_retention=parameters["allow_lower_retention"],
        allow_message_loss=parameters["allow_message_loss"],
        wait=parameters["wait"],
        wait_timeout=parameters["wait_timeout"],
    )
    engine = QueueReconciler(
        QueueApi(aws.client("sqs"), counting=aws.counting),
        lambda actual: _place(parameters["account_id"], actual, aws),
        options,
    )
    act = engine.present if parameters["state"] == "present" else engine.absent
    outcome = act(wanted.names, wanted.at)
    if outcome.not_propagated:
        aws.warn(
            f"not yet visible everywhere after {options.wait_timeout} s: {', '.join(outcome.not_propagated)}; "
            "SQS takes up to 60 s, and up to 15 min for message_retention_period"
        )
    return outcome, {
        "changed": bool(outcome.changes),
        "changes": [change.summary() for change in outcome.changes],
        **({"diff": [change.diff() for change in outcome.changes]} if aws.diff_mode else {}),
        "unreported_attributes": outcome.unreported,
    }


def _place(given: str | None, actual: str | None, aws: Aws) -> Place:
    """Return where the queues are: in the account given, else in that of the queues read, else in the caller's."""
    if given and actual and actual != given:
        problems = Problems()
        problems.add("account_id", f"{given} is not the account of these queues, which is {actual}")
        problems.raise_if_any("The place of the queues")
    account = given or actual or place_of_caller(aws.caller()).account_id
    return Place(region=aws.region, account_id=account, partition=partition_of(aws.region))
