# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one queue that a module of messages is about, and the ways to it."""

from __future__ import annotations

from dataclasses import dataclass

from .._aws.run import Aws
from .._problems import RefusedError
from .._queues.actual import ActualQueue
from .._queues.api import QueueApi
from .._queues.lookup import read_reference, require_url
from .api import MessageApi


@dataclass(frozen=True)
class OneQueue:
    """A queue that exists, with its attributes, and the ways to it."""

    queue: ActualQueue
    queues: QueueApi
    messages: MessageApi

    @property
    def url(self) -> str:
        return self.queue.url

    @property
    def arn(self) -> str:
        return str(self.queue.attributes["arn"])


def open_queue(aws: Aws, reference: object, path: str = "queue", *, region: str | None = None) -> OneQueue:
    """Return the queue that a module's option ``path`` refers to, by name, ARN or URL.

    :param region: where the queue is, if not in the region of the run.
    Raises InvalidInputError for a reference that cannot be one, RefusedError when there is no such queue.
    """
    wanted = read_reference(reference, region or aws.region, path)
    client = aws.client("sqs", region=region)
    queues = QueueApi(client)
    url = require_url(queues, wanted)
    found = queues.read({wanted.name: url}, tags=False)
    if wanted.name not in found:
        raise RefusedError(f"{wanted.name}: there is no such queue at {url}")
    return OneQueue(found[wanted.name], queues, MessageApi(client))
