#!/usr/bin/python
# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: queues
short_description: Manage a whole set of SQS queues in one task
version_added: 1.0.0
author:
  - Contributors to the ecommerce.sqs project (@ecommerce-sqs)
description:
  - Creates, updates and deletes a set of SQS queues with their dead-letter queues, queue policies, redrive and
    redrive-allow policies, encryption and tags.
  - All queues are read at once, the difference is planned once, and it is applied concurrently, dead-letter queues
    first. N queues that need nothing cost 1 + 2N read calls and no write; N new ones cost 2 + 2N calls.
  - Every value is checked against the limits of SQS before the first call. All faults are reported at once, each
    with its path.
  - Throttled calls are repeated more slowly and do not fail the task. A run that was interrupted is finished by the
    next one.
options:
  topology:
    description:
      - The queues and services of the platform. Queues, attributes and policies are derived from it; see
        P(ecommerce.sqs.expand#filter) for the form and for all that follows from it.
      - Every attribute of these queues is managed. One that is removed from the topology goes back to its default.
    type: dict
  queues:
    description:
      - Queues one by one. An option that is not set leaves the attribute as it is on a queue that exists, and gives
        SQS's default to a new one. Zero and empty are values.
    type: list
    elements: dict
extends_documentation_fragment:
  - ecommerce.sqs.queue_options.list
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
  - module: ecommerce.sqs.queue
  - module: ecommerce.sqs.queue_info
  - plugin: ecommerce.sqs.expand
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Create all queues of the platform
  ecommerce.sqs.queues:
    region: ap-southeast-1
    topology:
      prefix: ecommerce
      queues:
        order: {visibility_timeout: 300}
        payment: {visibility_timeout: 300, fifo: true}
        notification: {visibility_timeout: 60}
      services:
        order: {produces: [order], consumes: [payment]}
        payment: {consumes: [order], produces: [payment, notification]}
        notification: {consumes: [notification], sends_sms: true}
  register: result

- name: Show where orders go
  ansible.builtin.debug:
    msg: "{{ result.queues.order.url }}"

- name: A queue and its dead-letter queue, one by one
  ecommerce.sqs.queues:
    region: ap-southeast-1
    queues:
      - name: refunds-dlq
        message_retention_period: 1209600
        redrive_allow_policy: {permission: byQueue, source_queues: [refunds]}
      - name: refunds
        visibility_timeout: 120
        receive_message_wait_time_seconds: 20
        redrive_policy: {dead_letter_queue: refunds-dlq, max_receive_count: 3}
        tags: {team: payments}

- name: Delete both, with whatever messages they hold
  ecommerce.sqs.queues:
    region: ap-southeast-1
    state: absent
    allow_message_loss: true
    queues:
      - name: refunds
      - name: refunds-dlq
"""

RETURN = r"""
queues:
  description:
    - The queues by key - the key of the topology, or the name. In check mode as they would be.
    - For a topology each queue also has what P(ecommerce.sqs.expand#filter) derives, such as C(env), the name of the
      variable that holds its URL.
    - Attributes are typed. Without O(topology), attributes that are neither set nor known yet are missing.
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
    order:
      name: ecommerce-order-queue
      url: https://sqs.ap-southeast-1.amazonaws.com/123456789012/ecommerce-order-queue
      arn: arn:aws:sqs:ap-southeast-1:123456789012:ecommerce-order-queue
      env: ORDER_QUEUE_URL
      fifo: false
      visibility_timeout: 300
changes:
  description: What was done, or would be done in check mode, for each queue that differed.
  returned: always
  type: list
  elements: dict
  sample:
    - name: ecommerce-order-queue
      action: update
      attributes: [visibility_timeout]
      tags: []
other_queues:
  description: Names of queues that begin with the same characters as the wanted ones but are not among them.
  returned: when O(state=present)
  type: list
  elements: str
api_calls:
  description: Number of requests made to AWS by operation, repeated ones included.
  returned: always
  type: dict
  sample: {GetQueueAttributes: 5, ListQueueTags: 5, ListQueues: 1}
unreported_attributes:
  description:
    - Attributes that the endpoint does not report and that therefore are not compared.
    - Always empty on AWS; some stand-ins for it do not know C(redrive_allow_policy).
  returned: always
  type: list
  elements: str
"""

from ansible_collections.ecommerce.sqs.plugins.module_utils._aws.module import run_module
from ansible_collections.ecommerce.sqs.plugins.module_utils._queues.module import (
    manage_queues,
    queue_options,
    reconcile_options,
)


def main() -> None:
    argument_spec = {
        "topology": {"type": "dict"},
        "queues": {"type": "list", "elements": "dict", "options": queue_options()},
        **reconcile_options(),
    }
    run_module(
        argument_spec,
        manage_queues,
        mutually_exclusive=[("topology", "queues")],
        required_one_of=[("topology", "queues")],
    )


if __name__ == "__main__":
    main()
