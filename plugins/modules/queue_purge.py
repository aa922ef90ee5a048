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
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ansible_collections.ecommerce.sqs.plugins.module_utils._messages.module import open_queue, purge_when_possible
from ansible_collections.ecommerce.sqs.plugins.module_utils._queues.module import clear_failure


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "queue": {"type": "str", "required": True},
            "confirm": {"type": "str", "required": True},
            "force": {"type": "bool", "default": False},
            "wait": {"type": "bool", "default": True},
        },
        supports_check_mode=True,
    )
    with clear_failure(module):
        queue = open_queue(module, module.params["queue"])
        if module.params["confirm"] != queue.queue.name:
            module.fail_json(
                msg=f"confirm: {module.params['confirm']!r} is not the name of the queue, {queue.queue.name!r}; "
                "all its messages would be deleted"
            )
        messages = queue.queue.messages
        changed = messages > 0 or module.params["force"]
        if changed and not module.check_mode:
            purge_when_possible(queue, wait=module.params["wait"])
    result = {"changed": changed, "messages_before": messages}
    if module._diff:
        result["diff"] = {"before": {"messages": messages}, "after": {"messages": 0}}
    module.exit_json(**result)


if __name__ == "__main__":
    main()
