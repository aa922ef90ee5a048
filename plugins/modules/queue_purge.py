#!/usr/bin/python
# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: queue_purge
short_description: Delete all messages of an SQS queue
version_added: 1.0.0
author:
  - Contributors to the ecommerce.sqs project (@ecommerce-sqs)
description:
  - Deletes all messages of a queue, for good. The queue stays.
  - SQS allows one purge a minute; the module waits for that minute to be over.
  - A purge takes up to 60 seconds, and messages that are sent meanwhile may be deleted with the others.
options:
  queue:
    description: Name, ARN or URL of the queue.
    type: str
    required: true
  confirm:
    description: The name of the queue once more, so that no queue is emptied by mistake.
    type: str
    required: true
  force:
    description:
      - Purge also a queue that looks empty. The counts of SQS are approximate.
    type: bool
    default: false
  wait:
    description: Wait for the minute after another purge to be over; without it the task fails.
    type: bool
    default: true
extends_documentation_fragment:
  - ecommerce.sqs.attributes
  - ecommerce.sqs.attributes.actiongroup_aws
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: partial
    details:
      - A queue that looks empty is not purged again, unless O(force=true). A purge takes up to 60 seconds to show.
seealso:
  - module: ecommerce.sqs.queue_redrive
"""

EXAMPLES = r"""
- name: Empty the dead-letter queue
  ecommerce.sqs.queue_purge:
    queue: ecommerce-dlq
    confirm: ecommerce-dlq
"""

RETURN = r"""
messages_before:
  description: Messages in the queue before the purge - waiting, in flight and delayed (approximate).
  returned: always
  type: int
  sample: 12
api_calls:
  description: Number of requests made to AWS by operation, repeated ones included.
  returned: always
  type: dict
"""

from ansible_collections.ecommerce.sqs.plugins.module_utils._aws.module import run_module
from ansible_collections.ecommerce.sqs.plugins.module_utils._messages.module import purge_queue


def main() -> None:
    argument_spec = {
        "queue": {"type": "str", "required": True},
        "confirm": {"type": "str", "required": True},
        "force": {"type": "bool", "default": False},
        "wait": {"type": "bool", "default": True},
    }
    run_module(argument_spec, purge_queue)


if __name__ == "__main__":
    main()
