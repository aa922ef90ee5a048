# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Delete all messages of a queue, when SQS allows it."""

from __future__ import annotations

import time
from collections.abc import Callable

from .._aws.client import AwsCallError, has_code
from .api import MessageApi

PURGE_SECONDS = 60
"""One purge of a queue is allowed in this time. Source: API_PurgeQueue.html."""
_PAUSE = 5


def purge_when_possible(
    api: MessageApi, queue: str, *, wait: bool, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Delete all messages of the queue with this URL, waiting for the minute after another purge to be over.

    Raises AwsCallError, without ``wait`` at once.
    """
    waited = 0
    while True:
        try:
            api.purge(queue)
        except AwsCallError as error:
            if not wait or waited > PURGE_SECONDS or not has_code(error.cause, "PurgeQueueInProgress"):
                raise
        else:
            return
        sleep(_PAUSE)
        waited += _PAUSE
