#!/usr/bin/python
# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: messages
short_description: Send messages to an SQS queue, or delete chosen ones
version_added: 1.0.0
author:
  - Contributors to the ecommerce.sqs project (@ecommerce-sqs)
description:
  - Sends one message or many, in batches, with attributes and the fields of FIFO queues.
  - All messages are checked against the limits of SQS before the first is sent. Entries that SQS fails for reasons of
    its own are sent again.
  - In a FIFO queue a message is only sent after the earlier ones of its group were taken.
  - With O(state=absent) the messages that O(filter) chooses are deleted, such as those of a dead-letter queue that are
    not worth another try. They are lost; M(ecommerce.sqs.queue_redrive) sends them back instead.
  - The others are given back and count one more receive. In a FIFO queue, messages beyond the first ten of a group stay
    hidden behind those that were looked at.
options:
  queue:
    description: Name, ARN or URL of the queue.
    type: str
    required: true
  state:
    description: V(present) sends messages, V(absent) deletes those that O(filter) chooses.
    type: str
    choices: [present, absent]
    default: present
  filter:
    description:
      - Messages to delete, those that match all that is set. Required with O(state=absent), and not to be empty;
        M(ecommerce.sqs.queue_purge) deletes all.
    type: dict
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
  - ecommerce.sqs.message_filter
  - ecommerce.sqs.attributes
  - ecommerce.sqs.attributes.actiongroup_aws
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
attributes:
  check_mode:
    support: full
    details:
      - The messages are checked and the queue is looked up; nothing is sent.
      - What would be deleted is looked for, which counts as a receive.
  diff_mode:
    support: none
  idempotent:
    support: partial
    details:
      - Every run sends the messages again; the result is then always changed.
      - To delete what is not there changes nothing.
seealso:
  - module: ecommerce.sqs.messages_info
  - module: ecommerce.sqs.queue_purge
  - module: ecommerce.sqs.queue_redrive
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

- name: Give up what a test left in the dead-letter queue
  ecommerce.sqs.messages:
    queue: ecommerce-dlq
    state: absent
    filter:
      body_contains: test-2026-01-31
"""

RETURN = r"""
messages:
  description: The messages that SQS took, in order. Empty in check mode, and with O(state=absent).
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
  description: Number of messages that were sent or deleted, or would be in check mode.
  returned: always
  type: int
api_calls:
  description: Number of requests made to AWS by operation, repeated ones included.
  returned: always
  type: dict
"""

from ansible_collections.ecommerce.sqs.plugins.module_utils._aws.module import run_module
from ansible_collections.ecommerce.sqs.plugins.module_utils._messages.module import filter_options, manage_messages
from ansible_collections.ecommerce.sqs.plugins.module_utils._messages.outgoing import MESSAGE_OPTIONS


def main() -> None:
    one = {
        "body": {"type": "raw"},
        "attributes": {"type": "dict"},
        "group_id": {"type": "str"},
        "deduplication_id": {"type": "str"},
        "delay_seconds": {"type": "int"},
    }
    argument_spec = {
        "queue": {"type": "str", "required": True},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "filter": filter_options(),
        **one,
        "messages": {
            "type": "list",
            "elements": "dict",
            "options": {**one, "body": {**one["body"], "required": True}},
        },
    }
    run_module(
        argument_spec,
        manage_messages,
        mutually_exclusive=[(first, option) for first in ("messages", "filter") for option in MESSAGE_OPTIONS]
        + [("messages", "filter")],
        required_if=[("state", "present", ("body", "messages"), True), ("state", "absent", ("filter",))],
    )


if __name__ == "__main__":
    main()
