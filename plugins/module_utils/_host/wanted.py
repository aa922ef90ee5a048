# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host needs for the services that it runs, from the expanded topology and the service definitions. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

_LINES = 20


def chosen_services(services: str | Iterable[str] | None, *, otherwise: Iterable[str] = ()) -> list[str]:
    """Return the names in ``services``: with commas between them, or a list, as the survey of a job template gives.

    :param otherwise: what is chosen where no name is given.
    """
    given = [services] if isinstance(services, str) else services or []
    names = [name.strip() for text in given for name in str(text).split(",")]
    return [name for name in names if name] or list(otherwise)


def service_queues(topology: Mapping[str, Any], services: Iterable[str]) -> list[str]:
    """Return the keys of the queues whose URLs ``services`` need: those of their .env files and of their workers.

    :param topology: an expanded topology.
    """
    keys: dict[str, None] = {}
    for name in services:
        service = topology["services"][name]
        keys.update(dict.fromkeys(service["env"].values()))
        keys.update(dict.fromkeys(worker["dead_letter_queue"] for worker in service["workers"]))
    return [key for key in keys if key]


def env_files(
    services: Iterable[str], definitions: Mapping[str, Mapping[str, Any] | None], root: str
) -> list[dict[str, Any]]:
    """Return the .env files of ``services`` as module ``host_check`` takes them: ``path``, ``present``, ``secrets``.

    :param definitions: the service definitions; a service without one has an .env file without keys of its own.
    :param root: the host's folder of services.
    """
    found = []
    for name in services:
        definition = definitions.get(name) or {}
        entry = {"present": definition.get("env", {}), "secrets": definition.get("secrets", {})}
        found.append({"path": f"{root.rstrip('/')}/{name}/.env", **entry})
    return found


def unit_files(topology: Mapping[str, Any], services: Iterable[str]) -> list[str]:
    """Return the names of all unit files that systemd may have of ``services`` and their workers.

    :param topology: an expanded topology.
    """
    found = []
    for name in services:
        service = topology["services"][name]
        found.append(service["process"]["unit"])
        for worker in service["workers"]:
            found += [worker["process"]["unit"], worker["process"]["template_unit"]]
    return found


def service_log_command(
    topology: Mapping[str, Any], services: Iterable[str], *, root: str, process_manager: str
) -> list[str]:
    """Return the command that shows the end of what ``services`` said; their workers are not among them.

    :param topology: an expanded topology.
    :param root: the host's folder of services.
    :param process_manager: ``systemd`` or ``pm2``, which tells where the logs are.
    """
    processes = [(name, topology["services"][name]["process"]) for name in services]
    if process_manager == "systemd":
        units = [f"--unit={process['unit']}" for _name, process in processes]
        return ["journalctl", "--no-pager", "--output=cat", f"--lines={_LINES}", *units]
    errors = [f"{root}/{name}/{process['error_log']}" for name, process in processes]
    return ["tail", f"--lines={_LINES}", "--verbose", *errors, *(f"{root}/{name}/{p['log']}" for name, p in processes)]
