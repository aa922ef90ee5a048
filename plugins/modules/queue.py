#!/usr/bin/python
# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: queue
short_description: Manage one SQS queue
version_added: 1.0.0
author:
  - Contributors to the ecommerce.sqs project (@ecommerce-sqs)
description:
  - Creates, updates or deletes one SQS queue with its policies, encryption and tags.
  - It works as M(ecommerce.sqs.queues) does. For more than one queue that module is much faster than a loop.
  - An option that is not set leaves the attribute as it is on a queue that exists, and gives SQS's default to a new
    one. Zero and empty are values.
extends_documentation_fragment:
  - ecommerce.sqs.queue_options
  - ecommerce.sqs.reconcile
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
    support: full
seealso:
  - module: ecommerce.sqs.queues
  - module: ecommerce.sqs.queue_info
"""

EXAMPLES = r"""
- name: A dead-letter queue
  ecommerce.sqs.queue:
    region: ap-southeast-1
    name: refunds-dlq
    message_retention_period: 1209600

- name: A queue that sends to it what was received three times
  ecommerce.sqs.queue:
    region: ap-southeast-1
    name: refunds
    visibility_timeout: 120
    redrive_policy: {dead_letter_queue: refunds-dlq, max_receive_count: 3}
    tags: {team: payments}

- name: Encrypt the live queue with a key of our own
  ecommerce.sqs.queue:
    region: ap-southeast-1
    name: refunds
    kms_master_key_id: alias/refunds

- name: A FIFO queue with high throughput
  ecommerce.sqs.queue:
    region: ap-southeast-1
    name: ledger.fifo
    content_based_deduplication: true
    deduplication_scope: messageGroup
    fifo_throughput_limit: perMessageGroupId

- name: Delete the queue, if it is empty
  ecommerce.sqs.queue:
    region: ap-southeast-1
    name: refunds
    state: absent
"""

RETURN = r"""
queue:
  description:
    - The queue, with typed attributes. In check mode as it would be.
    - Attributes of a new queue that are not set are missing.
  returned: when O(state=present)
  type: dict
  contains:
    name:
      description: Name of the queue.
      type: str
    url:
      description: URL of the queue; in check mode, for a queue that does not exist yet, the URL that it will have.
      type: str
    arn:
      description: ARN of the queue.
      type: str
    fifo:
      description: Whether it is a FIFO queue.
      type: bool
    tags:
      description: Tags of the queue.
      type: dict
  sample:
    name: refunds
    url: https://sqs.ap-southeast-1.amazonaws.com/123456789012/refunds
    arn: arn:aws:sqs:ap-southeast-1:123456789012:refunds
    fifo: false
    visibility_timeout: 120
    tags: {team: payments}
changes:
  description: What was done, or would be done in check mode; empty when the queue was as wanted.
  returned: always
  type: list
  elements: dict
  sample:
    - name: refunds
      action: update
      attributes: [visibility_timeout]
      tags: []
api_calls:
  description: Number of requests made to AWS by operation, repeated ones included.
  returned: always
  type: dict
  sample: {GetQueueAttributes: 1, ListQueueTags: 1, ListQueues: 1}
unreported_attributes:
  description:
    - Attributes that the endpoint does not report and that therefore are not compared.
    - Always empty on AWS; some stand-ins for it do not know O(redrive_allow_policy).
  returned: always
  type: list
  elements: str
"""

from ansible_collections.ecommerce.sqs.plugins.module_utils._aws.module import run_module
from ansible_collections.ecommerce.sqs.plugins.module_utils._queues.module import (
    manage_queue,
    queue_options,
    reconcile_options,
)


def main() -> None:
    run_module({**queue_options(), **reconcile_options()}, manage_queue)


if __name__ == "__main__":
    main()
