# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules that are about messages: their options and their work."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from .._aws.run import Aws
from .._problems import Problems, RefusedError, read_integer
from .._topology.queue_attributes import ATTRIBUTES
from .borrowing import look, remove
from .filter import MessageFilter, read_filter, read_removal
from .one_queue import open_queue
from .outgoing import read_outgoing
from .purge import purge_when_possible
from .received import show_message
from .redrive import Redrive
from .redrive_options import read_redrive_options
from .redrive_report import as_result, warnings_of
from .send import send_all

LOOK_MAXIMUM = 10000
LOOK_VISIBILITY_MINIMUM = 5


def filter_options() -> dict[str, Any]:
    """Return the argument specification of a filter of messages."""
    return {
        "type": "dict",
        "options": {
            "body_contains": {"type": "str"},
            "body_matches": {"type": "str"},
            "attributes": {"type": "dict"},
            "minimum_age": {"type": "int"},
            "maximum_age": {"type": "int"},
            "minimum_receive_count": {"type": "int"},
            "maximum_receive_count": {"type": "int"},
        },
    }


def manage_messages(parameters: Mapping[str, Any], aws: Aws) -> dict[str, Any]:
    """Do the work of module ``messages``; return its result. Raises InvalidInputError and RefusedError."""
    return (_delete if parameters["state"] == "absent" else _send)(parameters, aws)


def _send(parameters: Mapping[str, Any], aws: Aws) -> dict[str, Any]:
    outgoing = read_outgoing(parameters)
    queue = open_queue(aws, parameters["queue"])
    outgoing.check_against(queue.queue.attributes)
    if aws.check_mode:
        return {"changed": bool(outgoing.entries), "messages": [], "count": len(outgoing.entries)}
    taken, refused = send_all(queue.messages, queue.url, outgoing.entries)
    if refused:
        reasons = "; ".join(f"message {item['position']}: {item['reason']}" for item in refused)
        raise RefusedError(
            f"SQS took {len(taken)} messages and refused {len(refused)}: {reasons}", messages=taken, refused=refused
        )
    return {"changed": bool(taken), "messages": taken, "count": len(taken)}


def _delete(parameters: Mapping[str, Any], aws: Aws) -> dict[str, Any]:
    chosen = read_removal(parameters["filter"], "filter")
    queue = open_queue(aws, parameters["queue"])
    removed, undeleted = remove(
        queue.messages,
        queue.url,
        wanted=lambda message: chosen.matches(message, time.time()),
        keep=aws.check_mode,
    )
    if undeleted:
        raise RefusedError(f"{undeleted} of {len(removed)} messages could not be deleted; run it again")
    return {"changed": bool(removed), "messages": [], "count": len(removed)}


def show_messages(parameters: Mapping[str, Any], aws: Aws) -> dict[str, Any]:
    """Do the work of module ``messages_info``; return its result. Raises InvalidInputError and RefusedError."""
    now = time.time()
    chosen, limit, visibility_timeout = _read_look(parameters)
    queue = open_queue(aws, parameters["queue"])
    if queue.queue.attributes.get("redrive_policy"):
        aws.warn(f"{queue.queue.name} has a dead-letter queue: each look counts as a receive towards it")
    found, seen = look(
        queue.messages,
        queue.url,
        limit=limit,
        visibility_timeout=visibility_timeout,
        wanted=lambda message: chosen.matches(message, now),
    )
    messages = [show_message(message, now) for message in found]
    return {"changed": False, "messages": messages, "count": len(messages), "seen": seen}


def _read_look(parameters: Mapping[str, Any]) -> tuple[MessageFilter, int, int]:
    """Return filter, limit and visibility timeout (seconds) of a look. Raises InvalidInputError with every fault."""
    problems = Problems()
    chosen = read_filter(parameters["filter"], "filter", problems)
    limit = read_integer(parameters["limit"], "limit", problems, default=1, minimum=1, maximum=LOOK_MAXIMUM)
    visibility_timeout = read_integer(
        parameters["visibility_timeout"],
        "visibility_timeout",
        problems,
        default=LOOK_VISIBILITY_MINIMUM,
        minimum=LOOK_VISIBILITY_MINIMUM,
        maximum=ATTRIBUTES["visibility_timeout"].maximum,
    )
    problems.raise_if_any("The look into the queue")
    return chosen, limit, visibility_timeout


def purge_queue(parameters: Mapping[str, Any], aws: Aws) -> dict[str, Any]:
    """Do the work of module ``queue_purge``; return its result. Raises InvalidInputError and RefusedError."""
    queue = open_queue(aws, parameters["queue"])
    if parameters["confirm"] != queue.queue.name:
        raise RefusedError(
            f"confirm: {parameters['confirm']!r} is not the name of the queue, {queue.queue.name!r}; "
            "all its messages would be deleted"
        )
    messages = queue.queue.messages
    changed = messages > 0 or parameters["force"]
    if changed and not aws.check_mode:
        purge_when_possible(queue.messages, queue.url, wait=parameters["wait"])
    return {
        "changed": changed,
        "messages_before": messages,
        "diff": {"before": {"messages": messages}, "after": {"messages": 0}},
    }


def redrive_queue(parameters: Mapping[str, Any], aws: Aws) -> dict[str, Any]:
    """Do the work of module ``queue_redrive``; return its result. Raises InvalidInputError and RefusedError."""
    began = time.monotonic()
    redrive = Redrive(aws, read_redrive_options(parameters, aws.region))
    if parameters["state"] == "cancelled":
        cancelled = redrive.cancel()
        return {
            "changed": cancelled is not None,
            "status": cancelled.status if cancelled else None,
            "moved": cancelled.moved if cancelled else 0,
        }
    available = redrive.source.queue.messages
    if aws.check_mode:
        messages = redrive.preview()
        return {"changed": bool(messages), "messages": messages, "available": available}
    report = redrive.run()
    result = as_result(report, time.monotonic() - began, available=available)
    for warning in warnings_of(report, wait=parameters["wait"], wait_timeout=parameters["wait_timeout"]):
        aws.warn(warning)
    return result
