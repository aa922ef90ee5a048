# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads and writes of queues through a boto3 client, concurrent and bounded. Decides nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .._aws.client import AwsCallError, call, concurrently, has_code
from .._topology.names import name_in, queue_url
from .._topology.queue_attributes import AttributeValue, from_aws, to_aws
from .actual import ActualQueue

LIST_PAGE = 1000
"""Queues in a page of ListQueues. Source: API_ListQueues.html."""

Done = Callable[[int, int], None]
"""Called after each item of long work, with how many are done and how many there are."""

NOT_FOUND = ("NonExistentQueue", "QueueDoesNotExist")
ALREADY_EXISTS = ("QueueAlreadyExists", "QueueNameExists")
DELETED_RECENTLY = ("QueueDeletedRecently",)


class QueueApi:
    """The queues of one account and region.

    Every method raises AwsCallError, whose message names the queue, for whatever AWS or the network answers, except
    where it says otherwise. ``counting`` returns for a label what is called while the work of that name goes on.
    """

    def __init__(self, client: Any, *, counting: Callable[[str], Done] | None = None) -> None:
        self._client = client
        self._counting = counting

    def list_urls(self, prefix: str = "") -> dict[str, str]:
        """Return the URLs of all queues whose names begin with ``prefix``, by name."""
        arguments: dict[str, Any] = {"MaxResults": LIST_PAGE}
        if prefix:
            arguments["QueueNamePrefix"] = prefix
        urls: dict[str, str] = {}
        while True:
            page = self._call("list_queues", "", **arguments)
            urls.update({name_in(url): url for url in page.get("QueueUrls", [])})
            if not page.get("NextToken"):
                return urls
            arguments["NextToken"] = page["NextToken"]

    def find_url(self, name: str, owner: str | None = None) -> str | None:
        """Return the URL of a queue (of the account ``owner``, or of one's own), or None when there is none."""
        arguments = {"QueueName": name} if owner is None else {"QueueName": name, "QueueOwnerAWSAccountId": owner}
        try:
            return str(self._call("get_queue_url", name, **arguments)["QueueUrl"])
        except AwsCallError as error:
            if has_code(error.cause, *NOT_FOUND):
                return None
            raise

    def read(self, urls: Mapping[str, str], *, tags: bool = True) -> dict[str, ActualQueue]:
        """Return the queues with attributes and tags, by name; those that are gone meanwhile are left out."""
        jobs = [(name, url, what) for name, url in urls.items() for what in ("attributes", "tags")[: 1 + tags]]
        answers = self.run_all("read", self._read_part, jobs)
        attributes = {name: answer for (name, _url, what), answer in zip(jobs, answers) if what == "attributes"}
        found_tags = {name: answer for (name, _url, what), answer in zip(jobs, answers) if what == "tags"}
        return {
            name: ActualQueue(name=name, url=urls[name], attributes=from_aws(found), tags=found_tags.get(name) or {})
            for name, found in attributes.items()
            if found is not None
        }

    def read_dead_letter_sources(self, url: str, name: str) -> list[str]:
        """Return the URLs of the queues whose dead-letter queue this is."""
        sources: list[str] = []
        arguments: dict[str, Any] = {"QueueUrl": url, "MaxResults": LIST_PAGE}
        while True:
            page = self._call("list_dead_letter_source_queues", name, **arguments)
            sources.extend(page.get("queueUrls", []))
            if not page.get("NextToken"):
                return sources
            arguments["NextToken"] = page["NextToken"]

    def reports_redrive_allow_policy(self, url: str, name: str) -> bool:
        """Tell whether the endpoint knows the attribute: SQS does, not every stand-in for it."""
        try:
            self._call("get_queue_attributes", name, QueueUrl=url, AttributeNames=["RedriveAllowPolicy"])
        except AwsCallError as error:
            if has_code(error.cause, "InvalidAttributeName"):
                return False
            raise
        return True

    def create(
        self, name: str, *, fifo: bool, attributes: Mapping[str, AttributeValue], tags: Mapping[str, str]
    ) -> str:
        """Create a queue with all its attributes and tags in one call; return its URL.

        The cause of the AwsCallError tells ``ALREADY_EXISTS`` and ``DELETED_RECENTLY`` from other failures.
        """
        arguments: dict[str, Any] = {"QueueName": name, "Attributes": to_aws(attributes)}
        if fifo:
            arguments["Attributes"]["FifoQueue"] = "true"
        if tags:
            arguments["tags"] = dict(tags)
        return str(self._call("create_queue", name, **arguments)["QueueUrl"])

    def set_attributes(self, url: str, name: str, attributes: Mapping[str, AttributeValue]) -> None:
        self._call("set_queue_attributes", name, QueueUrl=url, Attributes=to_aws(attributes))

    def tag(self, url: str, name: str, tags: Mapping[str, str]) -> None:
        self._call("tag_queue", name, QueueUrl=url, Tags=dict(tags))

    def untag(self, url: str, name: str, keys: Iterable[str]) -> None:
        self._call("untag_queue", name, QueueUrl=url, TagKeys=list(keys))

    def delete(self, url: str, name: str) -> None:
        """Delete a queue; one that is gone already is no error."""
        try:
            self._call("delete_queue", name, QueueUrl=url)
        except AwsCallError as error:
            if not has_code(error.cause, *NOT_FOUND):
                raise

    def run_all(self, label: str, function: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        """Return ``function`` of every item, computed concurrently, with progress reported as ``label``."""
        done = self._counting(label) if self._counting else None
        return concurrently(function, items, done=done)

    def predicted_url(self, name: str, account_id: str) -> str:
        """Return the URL that a queue will have, for showing before it exists."""
        return queue_url(self._client.meta.endpoint_url, account_id, name)

    def _read_part(self, job: tuple[str, str, str]) -> dict[str, str] | None:
        name, url, what = job
        try:
            if what == "tags":
                return dict(self._call("list_queue_tags", name, QueueUrl=url).get("Tags", {}))
            answer = self._call("get_queue_attributes", name, QueueUrl=url, AttributeNames=["All"])
            return dict(answer.get("Attributes", {}))
        except AwsCallError as error:
            if has_code(error.cause, *NOT_FOUND):
                return None
            raise

    def _call(self, method: str, name: str, **arguments: Any) -> dict[str, Any]:
        return call(self._client, method, name, **arguments)
