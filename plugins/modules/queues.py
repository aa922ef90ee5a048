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
    suboptions:
      name:
        description:
          - Name of the queue, up to 80 letters, digits, hyphens and underscores.
          - The name of a FIFO queue, and of no other, ends in C(.fifo).
        type: str
        required: true
      fifo:
        description: Whether the queue is a FIFO queue; it follows from the name and has to agree with it.
        type: bool
      visibility_timeout:
        description: Seconds for which a received message is hidden from other consumers, 0 to 43200.
        type: int
      message_retention_period:
        description:
          - Seconds for which a message is kept, 60 to 1209600.
          - To lower it on a queue that exists, set O(allow_lower_retention=true).
        type: int
      receive_message_wait_time_seconds:
        description: Seconds that a receive waits for a message (long polling), 0 to 20.
        type: int
      delay_seconds:
        description: Seconds for which a new message is held back, 0 to 900.
        type: int
      maximum_message_size:
        description: Largest message in bytes, 1024 to 1048576.
        type: int
      sqs_managed_sse_enabled:
        description: Encrypt with keys that SQS owns. Excludes O(queues[].kms_master_key_id).
        type: bool
      kms_master_key_id:
        description:
          - Encrypt with this KMS key - its ID, ARN or alias.
          - The empty string removes the key.
        type: str
      kms_data_key_reuse_period_seconds:
        description: Seconds for which SQS reuses a data key, 60 to 86400.
        type: int
      content_based_deduplication:
        description: Derive the deduplication ID from the body. FIFO queues only.
        type: bool
      deduplication_scope:
        description: Whether duplicates are found within a message group or in the whole queue. FIFO queues only.
        type: str
        choices: [messageGroup, queue]
      fifo_throughput_limit:
        description:
          - Whether the throughput quota counts for each message group or for the queue. FIFO queues only.
          - V(perMessageGroupId) needs O(queues[].deduplication_scope=messageGroup).
        type: str
        choices: [perQueue, perMessageGroupId]
      policy:
        description:
          - The queue's policy document. Policies that mean the same count as equal.
          - An empty mapping removes the policy.
        type: dict
      redrive_policy:
        description:
          - Where messages go that were received too often. Keys are C(dead_letter_queue), the name or ARN of a queue
            of the same type, and C(max_receive_count), 1 to 1000, by default 10.
          - An empty mapping removes it.
        type: dict
      redrive_allow_policy:
        description:
          - Which queues may use this one as their dead-letter queue. Keys are C(permission), one of C(allowAll),
            C(denyAll) and C(byQueue), and C(source_queues), up to 10 names or ARNs.
          - An empty mapping gives the default, C(allowAll).
        type: dict
      tags:
        description: Tags of the queue; see O(purge_tags) for those that are not listed.
        type: dict
extends_documentation_fragment:
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

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ansible_collections.ecommerce.sqs.plugins.module_utils._queues.module import (
    Wanted,
    clear_failure,
    queue_options,
    reconcile,
    reconcile_options,
)


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "topology": {"type": "dict"},
            "queues": {"type": "list", "elements": "dict", "options": queue_options()},
            **reconcile_options(),
        },
        mutually_exclusive=[("topology", "queues")],
        required_one_of=[("topology", "queues")],
        supports_check_mode=True,
    )
    with clear_failure(module):
        wanted = Wanted(module, module.params["topology"], module.params["queues"])
        outcome, result = reconcile(module, wanted)
        if module.params["state"] == "present":
            result["queues"] = wanted.with_derived(outcome.queues)
            result["other_queues"] = outcome.others
    module.exit_json(**result)


if __name__ == "__main__":
    main()
