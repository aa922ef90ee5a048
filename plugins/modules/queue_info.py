#!/usr/bin/python
# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: queue_info
short_description: Show SQS queues with their attributes, counts, tags and dead-letter queues
version_added: 1.0.0
author:
  - Contributors to the ecommerce.sqs project (@ecommerce-sqs)
description:
  - Returns queues by name, ARN or URL, by prefix, or all of the account and region.
  - Works without any argument, C(ansible localhost -m ecommerce.sqs.queue_info), where region and credentials come
    from the environment or the AWS profile.
options:
  names:
    description:
      - Names, ARNs or URLs of queues. Those that do not exist are listed in RV(missing).
      - Without it and without O(prefix) all queues are returned.
    type: list
    elements: str
    aliases: [name]
  prefix:
    description: Return the queues whose names begin with it.
    type: str
  urls_only:
    description:
      - Return name and URL of each queue of O(names) and nothing else. This needs no permission but C(sqs:GetQueueUrl),
        which a service has on its own queues.
    type: bool
    default: false
extends_documentation_fragment:
  - ecommerce.sqs.attributes
  - ecommerce.sqs.attributes.info
  - ecommerce.sqs.attributes.actiongroup_aws
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
seealso:
  - module: ecommerce.sqs.queues
  - module: ecommerce.sqs.messages_info
"""

EXAMPLES = r"""
- name: All queues of the account and region
  ecommerce.sqs.queue_info:

- name: The queues of the platform
  ecommerce.sqs.queue_info:
    prefix: ecommerce-
  register: platform

- name: Stop when a dead-letter queue is not empty
  ansible.builtin.assert:
    that: item.approximate_number_of_messages == 0
    fail_msg: "{{ item.name }} holds {{ item.approximate_number_of_messages }} messages"
  loop: "{{ platform.queues | selectattr('dead_letter_source_queues') }}"
  loop_control:
    label: "{{ item.name }}"

- name: Two queues, by name and by ARN
  ecommerce.sqs.queue_info:
    names:
      - ecommerce-order-queue
      - arn:aws:sqs:ap-southeast-1:123456789012:ecommerce-dlq
"""

RETURN = r"""
queues:
  description:
    - The queues, in the order of O(names), else by name.
    - Each has also every other attribute that M(ecommerce.sqs.queue) sets, by the name of its option.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: Name of the queue.
      type: str
      sample: ecommerce-order-queue
    url:
      description: URL of the queue.
      type: str
      sample: https://sqs.ap-southeast-1.amazonaws.com/123456789012/ecommerce-order-queue
    arn:
      description: ARN of the queue.
      type: str
      sample: arn:aws:sqs:ap-southeast-1:123456789012:ecommerce-order-queue
    fifo:
      description: Whether it is a FIFO queue.
      type: bool
    approximate_number_of_messages:
      description: Messages that wait to be received.
      type: int
    approximate_number_of_messages_not_visible:
      description: Messages in flight, received and neither deleted nor visible again.
      type: int
    approximate_number_of_messages_delayed:
      description: Messages that are held back by a delay.
      type: int
    visibility_timeout:
      description: Seconds for which a received message is hidden.
      type: int
    message_retention_period:
      description: Seconds for which a message is kept.
      type: int
    receive_message_wait_time_seconds:
      description: Seconds that a receive waits for a message.
      type: int
    delay_seconds:
      description: Seconds for which a new message is held back.
      type: int
    maximum_message_size:
      description: Largest message in bytes.
      type: int
    sqs_managed_sse_enabled:
      description: Whether messages are encrypted with keys that SQS owns.
      type: bool
    kms_master_key_id:
      description: The KMS key that messages are encrypted with, or V(null).
      type: str
    policy:
      description: The queue's policy; empty where there is none.
      type: dict
    redrive_policy:
      description: The redrive policy; empty where there is none.
      type: dict
    redrive_allow_policy:
      description: The redrive-allow policy; empty where there is none.
      type: dict
    dead_letter_queue:
      description: Name of its dead-letter queue, or V(null).
      type: str
      sample: ecommerce-dlq
    max_receive_count:
      description: Receives after which a message goes there, or V(null).
      type: int
      sample: 3
    dead_letter_source_queues:
      description: Names of the queues whose dead-letter queue it is.
      type: list
      elements: str
    created_timestamp:
      description: When the queue was created, in seconds since the epoch.
      type: int
    last_modified_timestamp:
      description: When the queue was last changed, in seconds since the epoch.
      type: int
    tags:
      description: Tags of the queue.
      type: dict
missing:
  description: Those of O(names) that do not exist.
  returned: always
  type: list
  elements: str
api_calls:
  description: Number of requests made to AWS by operation, repeated ones included.
  returned: always
  type: dict
"""

from ansible_collections.ecommerce.sqs.plugins.module_utils._aws.module import run_module
from ansible_collections.ecommerce.sqs.plugins.module_utils._queues.module import show_queues


def main() -> None:
    argument_spec = {
        "names": {"type": "list", "elements": "str", "aliases": ["name"]},
        "prefix": {"type": "str"},
        "urls_only": {"type": "bool", "default": False},
    }
    run_module(
        argument_spec,
        show_queues,
        mutually_exclusive=[("names", "prefix")],
        required_if=[("urls_only", True, ["names"])],
    )


if __name__ == "__main__":
    main()
