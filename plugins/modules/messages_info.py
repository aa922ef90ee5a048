#!/usr/bin/python
# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: messages_info
short_description: Look at the messages of an SQS queue without consuming them
version_added: 1.0.0
author:
  - Contributors to the ecommerce.sqs project (@ecommerce-sqs)
description:
  - Receives messages, makes them visible again at once, and returns them with their attributes, how often they were
    received, and, in a dead-letter queue, where they came from and why.
  - SQS has no way to read a message without receiving it, so each look raises the receive counts by one, and a
    consumer does not get the messages meanwhile. On a queue that has a dead-letter queue a message may move there by
    being looked at; the module warns of that.
  - In a FIFO queue, messages beyond the first ten of a group stay hidden behind those that were looked at.
options:
  queue:
    description: Name, ARN or URL of the queue.
    type: str
    required: true
  limit:
    description: Number of messages to return at the most, 1 to 10000.
    type: int
    default: 10
  filter:
    description: Return only messages that match all that is set.
    type: dict
  visibility_timeout:
    description:
      - Seconds for which messages are hidden while they are looked at, 5 to 43200.
      - They are visible again when the module ends, and after this time if it is killed.
    type: int
    default: 60
extends_documentation_fragment:
  - ecommerce.sqs.message_filter
  - ecommerce.sqs.attributes
  - ecommerce.sqs.attributes.info
  - ecommerce.sqs.attributes.actiongroup_aws
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
seealso:
  - module: ecommerce.sqs.queue_redrive
  - module: ecommerce.sqs.queue_info
"""

EXAMPLES = r"""
- name: Why are messages in the dead-letter queue?
  ecommerce.sqs.messages_info:
    queue: ecommerce-dlq
    limit: 20
  register: dead

- name: Show each with its source and its reason
  ansible.builtin.debug:
    msg: "{{ item.dead_letter_source }}: {{ item.reason }} (received {{ item.receive_count }} times)"
  loop: "{{ dead.messages }}"
  loop_control:
    label: "{{ item.message_id }}"

- name: Find the messages of one order
  ecommerce.sqs.messages_info:
    queue: ecommerce-dlq
    limit: 1000
    filter:
      body_matches: '"order_id": ?4711\b'
"""

RETURN = r"""
messages:
  description: The messages, as SQS gave them.
  returned: always
  type: list
  elements: dict
  contains:
    message_id:
      description: ID of the message.
      type: str
    body:
      description: Body of the message.
      type: str
    json:
      description: The body parsed, where it is JSON, or V(null).
      type: raw
    attributes:
      description: Attributes that the sender set; binary ones in Base64.
      type: dict
    receive_count:
      description: How often the message was received, this time included.
      type: int
    sent_at:
      description: When the message was sent, ISO 8601 in UTC.
      type: str
      sample: "2026-01-31T12:00:00.000Z"
    first_received_at:
      description: When the message was first received, ISO 8601 in UTC.
      type: str
    age_seconds:
      description: Seconds since the message was sent.
      type: int
    group_id:
      description: Message group, or V(null).
      type: str
    deduplication_id:
      description: Deduplication ID, or V(null).
      type: str
    sequence_number:
      description: Sequence number in a FIFO queue, or V(null).
      type: str
    trace_header:
      description: AWS X-Ray trace header, or V(null).
      type: str
    sender_id:
      description: Who sent the message.
      type: str
    reason:
      description: Why a worker sent the message to the dead-letter queue, or V(null) where SQS moved it.
      type: str
    dead_letter_source:
      description: Name of the queue from which the message came to the dead-letter queue, or V(null).
      type: str
count:
  description: Number of messages returned.
  returned: always
  type: int
seen:
  description: Number of messages looked at.
  returned: always
  type: int
api_calls:
  description: Number of requests made to AWS by operation, repeated ones included.
  returned: always
  type: dict
"""

from ansible_collections.ecommerce.sqs.plugins.module_utils._aws.module import run_module
from ansible_collections.ecommerce.sqs.plugins.module_utils._messages.module import filter_options, show_messages


def main() -> None:
    argument_spec = {
        "queue": {"type": "str", "required": True},
        "limit": {"type": "int", "default": 10},
        "filter": filter_options(),
        "visibility_timeout": {"type": "int", "default": 60},
    }
    run_module(argument_spec, show_messages)


if __name__ == "__main__":
    main()
