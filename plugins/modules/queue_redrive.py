#!/usr/bin/python
# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: queue_redrive
short_description: Move messages from an SQS dead-letter queue to where they can be processed again
version_added: 1.0.0
author:
  - Contributors to the ecommerce.sqs project (@ecommerce-sqs)
description:
  - Moves the messages of a dead-letter queue back to the queues that they came from, or to a named queue.
  - By default SQS's own message move task does it. Where a filter, an edit, a limit or another region is asked, or
    where messages were sent to the dead-letter queue by a program, the messages are moved one by one.
  - By hand, a message is deleted only after the destination has taken it. A run that is killed loses nothing; in a
    standard queue a message that was under way may arrive twice. In a FIFO queue groups, their order and the
    deduplication IDs are kept, and a message that SQS would take for a duplicate stays and is reported.
  - SQS gives a moved message a new ID and a new age. What was moved is not moved back by cancelling.
options:
  queue:
    description: Name, ARN or URL of the dead-letter queue.
    type: str
    required: true
  state:
    description:
      - V(redriven) moves messages.
      - V(cancelled) cancels the move task of SQS that is under way.
    type: str
    choices: [redriven, cancelled]
    default: redriven
  destination:
    description:
      - Name, ARN or URL of the queue to move to, of the same type. An ARN may be in another region.
      - Without it each message goes back to the queue that it came from.
    type: str
  destination_region:
    description: Region of O(destination), where it is another one.
    type: str
  method:
    description:
      - V(native) is the move task of SQS, V(by_hand) receives, sends and deletes.
      - V(auto) takes the native one where it can do what is asked.
    type: str
    choices: [auto, native, by_hand]
    default: auto
  max_messages_per_second:
    description: Messages to move a second at the most, 1 to 500. Without it, as fast as possible.
    type: int
  limit:
    description: Number of messages to move at the most.
    type: int
  filter:
    description: Move only messages that match all that is set. The others stay.
    type: dict
  edit:
    description: Change messages on the way.
    type: dict
    suboptions:
      replace:
        description: Replacements in the body, one after the other.
        type: list
        elements: dict
        suboptions:
          pattern:
            description: Regular expression, in Python's syntax.
            type: str
            required: true
          replacement:
            description: What to put in its place; C(\\1) is its first group.
            type: str
            default: ""
      set_attributes:
        description: Attributes to set, as in O(ecommerce.sqs.messages#module:attributes).
        type: dict
      remove_attributes:
        description: Names of attributes to remove.
        type: list
        elements: str
  visibility_timeout:
    description: By hand, seconds for which messages are hidden while they are worked on, 30 to 43200.
    type: int
    default: 300
  wait:
    description: Follow the move task of SQS to its end. Progress is shown while it goes on.
    type: bool
    default: true
  wait_timeout:
    description: Seconds to follow it, or to move by hand, at the most, 1 to 129600.
    type: int
    default: 3600
extends_documentation_fragment:
  - ecommerce.sqs.message_filter
  - ecommerce.sqs.attributes
  - ecommerce.sqs.attributes.actiongroup_aws
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
attributes:
  check_mode:
    support: full
    details: [Shows what would move. To see messages they have to be received, which raises their receive counts.]
  diff_mode:
    support: none
  idempotent:
    support: full
    details: [An empty dead-letter queue is not changed.]
seealso:
  - module: ecommerce.sqs.messages_info
  - module: ecommerce.sqs.queue_purge
"""

EXAMPLES = r"""
- name: Move all back to where they came from, 50 a second
  ecommerce.sqs.queue_redrive:
    queue: ecommerce-dlq
    max_messages_per_second: 50

- name: Show what would move
  ecommerce.sqs.queue_redrive:
    queue: ecommerce-dlq
  check_mode: true
  register: preview

- name: Move the messages of one order to another queue
  ecommerce.sqs.queue_redrive:
    queue: ecommerce-dlq
    destination: ecommerce-order-queue
    filter:
      body_matches: '"order_id": ?4711\b'

- name: Repair a field on the way, ten messages to begin with
  ecommerce.sqs.queue_redrive:
    queue: ecommerce-dlq
    limit: 10
    edit:
      replace:
        - pattern: '"currency": ?"EURO"'
          replacement: '"currency": "EUR"'
      set_attributes: {repaired: 1}

- name: Move to the same queue in another region
  ecommerce.sqs.queue_redrive:
    queue: ecommerce-dlq
    destination: arn:aws:sqs:eu-west-1:123456789012:ecommerce-order-queue

- name: Stop the move that is under way
  ecommerce.sqs.queue_redrive:
    queue: ecommerce-dlq
    state: cancelled
"""

RETURN = r"""
method:
  description: How the messages were moved.
  returned: when O(state=redriven) and not in check mode
  type: str
  sample: by_hand
moved:
  description: Number of messages moved; approximate where SQS moved them.
  returned: always, except in check mode
  type: int
  sample: 12
seen:
  description: By hand, number of messages looked at.
  returned: when not in check mode
  type: int
status:
  description:
    - State of the move - V(COMPLETED), V(RUNNING), V(CANCELLING), V(CANCELLED), V(FAILED), or V(TIMED_OUT) where
      O(wait_timeout) was over.
  returned: always, except in check mode
  type: str
  sample: COMPLETED
task_handle:
  description: Handle of the move task, while it is known.
  returned: always, except in check mode
  type: str
destinations:
  description: By hand, number of messages by the queue that they were moved to.
  returned: when not in check mode
  type: dict
  sample: {ecommerce-order-queue: 12}
failed_messages:
  description: By hand, messages that stayed because they could not be moved. When there are any the task fails.
  returned: when not in check mode
  type: list
  elements: dict
  sample:
    - message_id: 5fea7756-0ea4-451a-a703-a558b933e274
      reason: it does not tell where it came from; name a destination
deferred_messages:
  description: By hand, messages that stayed because a FIFO queue would have taken them for duplicates; run again later.
  returned: when not in check mode
  type: list
  elements: dict
messages_per_second:
  description: Mean rate of the move.
  returned: when not in check mode
  type: float
  sample: 48.7
messages:
  description:
    - What would move, each message as in RV(ecommerce.sqs.messages_info#module:messages), with its C(destination).
    - Up to O(limit), or 100.
  returned: in check mode
  type: list
  elements: dict
available:
  description: Messages in the dead-letter queue (approximate).
  returned: when O(state=redriven)
  type: int
api_calls:
  description: Number of requests made to AWS by operation, repeated ones included.
  returned: always
  type: dict
"""

from ansible_collections.ecommerce.sqs.plugins.module_utils._aws.module import run_module
from ansible_collections.ecommerce.sqs.plugins.module_utils._messages.module import filter_options, redrive_queue


def main() -> None:
    replacement = {"pattern": {"type": "str", "required": True}, "replacement": {"type": "str", "default": ""}}
    argument_spec = {
        "queue": {"type": "str", "required": True},
        "state": {"type": "str", "choices": ["redriven", "cancelled"], "default": "redriven"},
        "destination": {"type": "str"},
        "destination_region": {"type": "str"},
        "method": {"type": "str", "choices": ["auto", "native", "by_hand"], "default": "auto"},
        "max_messages_per_second": {"type": "int"},
        "limit": {"type": "int"},
        "filter": filter_options(),
        "edit": {
            "type": "dict",
            "options": {
                "replace": {"type": "list", "elements": "dict", "options": replacement},
                "set_attributes": {"type": "dict"},
                "remove_attributes": {"type": "list", "elements": "str"},
            },
        },
        "visibility_timeout": {"type": "int", "default": 300},
        "wait": {"type": "bool", "default": True},
        "wait_timeout": {"type": "int", "default": 3600},
    }
    run_module(argument_spec, redrive_queue)


if __name__ == "__main__":
    main()
