# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the hosts of a deploy have in common: whether all are ready, and agree on the releases. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping


def unready_hosts(problems: Mapping[str, str], *, reached: Collection[str], concerned: Collection[str]) -> list[str]:
    """Return ``host: what is wrong`` of each host that is not ready.

    :param problems: what went wrong on each host of the play, empty where nothing did.
    :param reached: the hosts that have not dropped out of the play.
    :param concerned: the hosts that run a chosen service; one of them that dropped out is not ready.
    """
    found = []
    for host, problem in problems.items():
        if problem:
            found.append(f"{host}: {problem}")
        elif host in concerned and host not in reached:
            found.append(f"{host}: it cannot be reached")
    return found


def rollback_disagreements(targets: Mapping[str, Mapping[str, str]], services: Iterable[str]) -> list[str]:
    """Return a sentence on each service whose hosts would go back to different releases.

    :param targets: for each host, the release that each of its services would go back to.
    """
    found = []
    for service in services:
        releases = {host: of_host[service] for host, of_host in targets.items() if service in of_host}
        if len(set(releases.values())) > 1:
            shown = ", ".join(f"{host}: {release}" for host, release in releases.items())
            found.append(
                f"{service} would go back to different releases ({shown}): choose one with deploy_release, or hosts "
                "with --limit"
            )
    return found


def release_changes(after: Mapping[str, str], *, before: Mapping[str, str], services: Iterable[str]) -> list[str]:
    """Return ``service before -> after`` of each of ``services`` that gets a release."""
    return [
        f"{service} {before.get(service) or 'none'} -> {after[service]}" for service in services if service in after
    ]
