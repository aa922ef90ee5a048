# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find queues by name, ARN or URL, and describe them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._problems import Problems, RefusedError, show
from .._topology.names import check_queue_name, is_arn, name_in, parse_queue_arn
from .._topology.queue_attributes import effective_attributes
from .actual import ActualQueue
from .api import QueueApi


@dataclass(frozen=True)
class Reference:
    """A queue as a user refers to it; ``owner`` is the account of an ARN, ``url`` the URL where one was given."""

    name: str
    owner: str | None = None
    url: str | None = None


def read_references(values: Sequence[object], region: str, path: str) -> list[Reference]:
    """Return queues referred to by name, ARN or URL.

    Raises InvalidInputError with every fault: what is no queue, and ARNs of another region than ``region``.
    """
    problems = Problems()
    result = []
    for position, value in enumerate(values):
        where = f"{path}[{position}]" if len(values) > 1 else path
        reference = _read_reference(value, region, where, problems)
        if reference is not None:
            result.append(reference)
    problems.raise_if_any("The reference to a queue")
    return result


def read_reference(value: object, region: str, path: str) -> Reference:
    """Return a queue referred to by name, ARN or URL. Raises InvalidInputError as :func:`read_references` does."""
    (reference,) = read_references([value], region, path)
    return reference


def _read_reference(value: object, region: str, path: str, problems: Problems) -> Reference | None:
    text = value if isinstance(value, str) else ""
    if text.startswith(("http://", "https://")):
        name = name_in(text)
        return Reference(name, url=text) if check_queue_name(name, path, problems) else None
    if not is_arn(text):
        return Reference(text) if check_queue_name(value, path, problems) else None
    arn = parse_queue_arn(text)
    if arn is None:
        problems.add(path, f"{show(value)} is not the ARN of a queue")
        return None
    if arn.region != region:
        problems.add(path, f"{show(value)} is in {arn.region}, and the module works in {region}; set region")
        return None
    return Reference(arn.resource, owner=arn.account_id) if check_queue_name(arn.resource, path, problems) else None


def find_urls(api: QueueApi, references: Sequence[Reference]) -> dict[str, str | None]:
    """Return the URL of each queue by its name; None where there is no such queue. Raises AwsCallError."""
    found = api.run_all("find queues", lambda item: item.url or api.find_url(item.name, item.owner), references)
    return {reference.name: url for reference, url in zip(references, found)}


def require_url(api: QueueApi, reference: Reference) -> str:
    """Return the URL of a queue. Raises RefusedError when there is none, and AwsCallError."""
    url = reference.url or api.find_url(reference.name, reference.owner)
    if url is None:
        raise RefusedError(f"{reference.name}: there is no such queue in this account and region")
    return str(url)


def describe(queue: ActualQueue, sources: Sequence[str]) -> dict[str, Any]:
    """Return a queue as information modules show it.

    Its attributes are typed and complete; ``dead_letter_queue`` is the name of its own, ``dead_letter_source_queues``
    are the names of those whose dead-letter queue it is.
    """
    attributes = effective_attributes(queue.attributes)
    redrive: Mapping[str, Any] = attributes["redrive_policy"]
    target = str(redrive.get("deadLetterTargetArn", ""))
    return {
        **attributes,
        "kms_master_key_id": attributes["kms_master_key_id"] or None,
        "name": queue.name,
        "url": queue.url,
        "tags": queue.tags,
        "dead_letter_queue": name_in(target) or None,
        "max_receive_count": redrive.get("maxReceiveCount"),
        "dead_letter_source_queues": sorted(sources),
    }


def sources_among(queues: Mapping[str, ActualQueue]) -> dict[str, list[str]]:
    """Return by ARN the names of the queues, among all of an account and region, that have it as dead-letter queue."""
    sources: dict[str, list[str]] = {}
    for queue in queues.values():
        target = queue.attributes.get("redrive_policy", {}).get("deadLetterTargetArn")
        if target:
            sources.setdefault(str(target), []).append(queue.name)
    return sources


def look_up(
    api: QueueApi, references: Sequence[Reference] | None, *, prefix: str = "", urls_only: bool = False
) -> tuple[list[dict[str, Any]], list[str]]:
    """Return descriptions of the queues asked for, and the names of those that do not exist.

    :param references: the queues; None for all whose names begin with ``prefix``.
    :param urls_only: describe each of ``references`` by its name and URL alone.
    Raises AwsCallError.
    """
    if references is None:
        return _look_up_all(api, prefix), []
    found = find_urls(api, references)
    urls = {name: url for name, url in found.items() if url is not None}
    if urls_only:
        described = [{"name": name, "url": url} for name, url in urls.items()]
    else:
        described = _describe_with_asked_sources(api, urls)
    there = {queue["name"] for queue in described}
    return described, [name for name in found if name not in there]


def _look_up_all(api: QueueApi, prefix: str) -> list[dict[str, Any]]:
    urls = dict(sorted(api.list_urls(prefix).items()))
    if prefix:
        return _describe_with_asked_sources(api, urls)
    # Where all are read anyway, their own redrive policies tell.
    queues = api.read(urls)
    by_arn = sources_among(queues)
    return [describe(queue, by_arn.get(queue.attributes.get("arn", ""), [])) for queue in queues.values()]


def _describe_with_asked_sources(api: QueueApi, urls: Mapping[str, str]) -> list[dict[str, Any]]:
    queues = api.read(urls)
    answers = api.run_all(
        "read sources", lambda item: api.read_dead_letter_sources(item.url, item.name), queues.values()
    )
    return [describe(queue, [name_in(url) for url in answer]) for queue, answer in zip(queues.values(), answers)]
