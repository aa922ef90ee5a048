# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the workers of a host have to prove after a deploy, and which queues get a canary message for it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def canary_queues(
    topology: Mapping[str, Any], services: Iterable[str], definitions: Mapping[str, Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return ``name`` and ``fifo`` of each queue that ``services`` consume and that may get canary messages.

    It may when all of its consumers are workers of the runtime, which deletes them: another program would take them
    for messages.

    :param topology: an expanded topology.
    :param definitions: the service definitions; one with ``worker.command`` has a worker program of its own.
    """
    asked = set(services)
    found = []
    for queue in topology["queues"].values():
        consumers = queue["consumers"]
        is_ours = not queue["external_consumer"] and all(_has_runtime(definitions, name) for name in consumers)
        if is_ours and asked.intersection(consumers):
            found.append({"name": queue["name"], "fifo": queue["fifo"]})
    return found


def gate_workers(
    topology: Mapping[str, Any],
    services: Iterable[str],
    definitions: Mapping[str, Mapping[str, Any]],
    *,
    root: str,
    process_manager: str,
    canary: str | None = None,
) -> list[dict[str, Any]]:
    """Return the workers of ``services`` on a host as the module ``worker_check`` takes them.

    Worker programs of a team's own are left out: nothing is known of them.

    :param root: the host's folder of services.
    :param process_manager: ``systemd`` or ``pm2``, which tells where the logs are.
    :param canary: ID of the canary messages, for workers whose queue gets them.
    """
    found = []
    for service in services:
        if not _has_runtime(definitions, service):
            continue
        with_canary = {queue["name"] for queue in canary_queues(topology, [service], definitions)}
        processes = int((definitions[service].get("worker") or {}).get("instances", 1))
        for worker in topology["services"][service]["workers"]:
            process = worker["process"]
            entry = {"name": worker["name"], "directory": f"{root}/{service}/data/workers", "processes": processes}
            if process_manager == "systemd":
                entry["unit"] = process["template_unit"].replace("@", "@*") if processes > 1 else process["unit"]
            else:
                entry["log_files"] = [f"{root}/{service}/{process[kind]}" for kind in ("error_log", "log")]
            if canary and topology["queues"][worker["queue"]]["name"] in with_canary:
                entry["canary"] = canary
            found.append(entry)
    return found


def canary_messages(queue: Mapping[str, Any], *, deploy: str, unique_id: str) -> list[dict[str, Any]]:
    """Return the canary messages for ``queue``, as module ``messages`` takes them.

    Several hosts consume a queue, and a receive takes all that is there: one a second, of five, gives each of them its
    chance. FIFO queues know no delay of a single message, and get one.

    :param queue: a queue of :func:`canary_queues`.
    :param deploy: ID of the deploy, which workers note.
    :param unique_id: an ID that no canary message had before, for FIFO queues.
    """
    canary = {"body": "canary", "attributes": {"ecommerce.sqs.canary": deploy}}
    if queue["fifo"]:
        return [{**canary, "group_id": unique_id, "deduplication_id": unique_id}]
    return [{**canary, "delay_seconds": second} for second in range(5)]


def _has_runtime(definitions: Mapping[str, Mapping[str, Any]], service: str) -> bool:
    return not (definitions.get(service, {}).get("worker") or {}).get("command")
