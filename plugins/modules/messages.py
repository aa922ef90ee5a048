#!/usr/bin/python
# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: messages
short_description: Send messages to an SQS queue
version_added: 1.0.0
author:
  - Contributors to the ecommerce.sqs project (@ecommerce-sqs)
description:
  - Sends one message or many, in batches, with attributes and the fields of FIFO queues.
  - All messages are checked against the limits of SQS before the first is sent. Entries that SQS fails for reasons of
    its own are sent again.
  - In a FIFO queue a message is only sent after the earlier ones of its group were taken.
options:
  queue:
    description: Name, ARN or URL of the queue.
    type: str
    required: true
  body:
    description: Body of one message - a string, or data that is sent as JSON.
    type: raw
  attributes:
    description:
      - Attributes of the one message, up to 10. A string becomes a String, a number a Number.
      - A mapping with C(type) and C(value) says the type - String, Number, Binary (the value in Base64), or one of
        them with a suffix such as C(Number.cents).
    type: dict
  group_id:
    description: Message group of the one message. Required for a FIFO queue.
    type: str
  deduplication_id:
    description: Deduplication ID of the one message. Required for a FIFO queue without content-based deduplication.
    type: str
  delay_seconds:
    description: Seconds for which the one message is held back, 0 to 900. Not for FIFO queues.
    type: int
  messages:
    description: Several messages.
    type: list
    elements: dict
    suboptions:
      body:
        description: Body of the message - a string, or data that is sent as JSON.
        type: raw
        required: true
      attributes:
        description: Attributes of the message; see O(attributes).
        type: dict
      group_id:
        description: Message group. Required for a FIFO queue.
        type: str
      deduplication_id:
        description: Deduplication ID; see O(deduplication_id).
        type: str
      delay_seconds:
        description: Seconds for which the message is held back, 0 to 900. Not for FIFO queues.
        type: int
extends_documentation_fragment:
  - ecommerce.sqs.attributes
  - ecommerce.sqs.attributes.actiongroup_aws
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
attributes:
  check_mode:
    support: full
    details: [The messages are checked and the queue is looked up; nothing is sent.]
  diff_mode:
    support: none
  idempotent:
    support: none
    details: [Every run sends the messages again; the result is always changed.]
seealso:
  - module: ecommerce.sqs.messages_info
"""

EXAMPLES = r"""
- name: One message
  ecommerce.sqs.messages:
    queue: ecommerce-order-queue
    body: {order_id: 4711, total: 1999}

- name: Several, with attributes
  ecommerce.sqs.messages:
    queue: ecommerce-notification-queue
    messages:
      - body: Your order was paid
        attributes: {channel: mail, order_id: 4711}
      - body: Your parcel is on its way
        delay_seconds: 60

- name: To a FIFO queue, in the order of the list
  ecommerce.sqs.messages:
    queue: ecommerce-payment-queue.fifo
    messages:
      - body: {order_id: 4711, event: authorised}
        group_id: order-4711
      - body: {order_id: 4711, event: paid}
        group_id: order-4711
"""

RETURN = r"""
messages:
  description: The messages that SQS took, in order. Empty in check mode.
  returned: always
  type: list
  elements: dict
  contains:
    position:
      description: Place in the list that was given, from 0.
      type: int
    message_id:
      description: ID that SQS gave to the message.
      type: str
    sequence_number:
      description: Sequence number in a FIFO queue, or V(null).
      type: str
  sample:
    - position: 0
      message_id: 5fea7756-0ea4-451a-a703-a558b933e274
      sequence_number: null
count:
  description: Number of messages that were sent, or would be sent in check mode.
  returned: always
  type: int
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ansible_collections.ecommerce.sqs.plugins.module_utils.message_engine import send_all
from ansible_collections.ecommerce.sqs.plugins.module_utils.message_module import open_queue, read_outgoing
from ansible_collections.ecommerce.sqs.plugins.module_utils.message_spec import MESSAGE_OPTIONS
from ansible_collections.ecommerce.sqs.plugins.module_utils.queue_module import clear_failure


def main() -> None:
    one = {
        "body": {"type": "raw"},
        "attributes": {"type": "dict"},
        "group_id": {"type": "str"},
        "deduplication_id": {"type": "str"},
        "delay_seconds": {"type": "int"},
    }
    module = AnsibleAWSModule(
        argument_spec={
            "queue": {"type": "str", "required": True},
            **one,
            "messages": {
                "type": "list",
                "elements": "dict",
                "options": {**one, "body": {**one["body"], "required": True}},
            },
        },
        mutually_exclusive=[("messages", option) for option in MESSAGE_OPTIONS],
        required_one_of=[("body", "messages")],
        supports_check_mode=True,
    )
    with clear_failure(module):
        entries = read_outgoing(module.params)
        queue = open_queue(module, module.params["queue"])
        entries.check_against(queue.queue)
        taken, refused = ([], []) if module.check_mode else send_all(queue.messages, queue.url, entries.entries)
    if refused:
        reasons = "; ".join(f"message {item['position']}: {item['reason']}" for item in refused)
        module.fail_json(
            msg=f"SQS took {len(taken)} messages and refused {len(refused)}: {reasons}", messages=taken, refused=refused
        )
    count = len(entries.entries) if module.check_mode else len(taken)
    module.exit_json(changed=count > 0, messages=taken, count=count)


if __name__ == "__main__":
    main()
