#!/usr/bin/python
# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: alarms
short_description: Manage a set of CloudWatch alarms
version_added: 1.0.0
author:
  - Contributors to the ecommerce.sqs project (@ecommerce-sqs)
description:
  - Creates, updates and deletes any number of CloudWatch alarms in one task, on single metrics and on metric math.
  - All alarms are read first, a hundred with one call, and only those that differ are written. What an alarm does not
    say has AWS's default, because that is how CloudWatch takes it.
  - On request it proves that the alarms reach somebody.
  - Needs the permissions C(cloudwatch:DescribeAlarms), C(cloudwatch:PutMetricAlarm), C(cloudwatch:TagResource),
    C(cloudwatch:DeleteAlarms), with O(tags) or O(purge) also C(cloudwatch:ListTagsForResource), and with
    O(prove_delivery) also C(cloudwatch:SetAlarmState) and C(cloudwatch:DescribeAlarmHistory).
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - ecommerce.sqs.attributes
  - ecommerce.sqs.attributes.actiongroup_aws
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: partial
    details: With O(prove_delivery) alarms are set to ALARM and back each time, which is reported as a change.
options:
  topology:
    description:
      - A topology, as P(ecommerce.sqs.expand#filter) takes it. Its alarms are made, which that filter also returns as
        C(alarms).
      - Exactly one of O(topology) and O(alarms) is required.
    type: dict
  alarms:
    description:
      - The alarms, each with the arguments of C(PutMetricAlarm) as its keys.
      - With O(state=absent) only C(AlarmName) counts.
    type: list
    elements: dict
  alarm_actions:
    description: What every alarm does when it goes to ALARM, by ARN, in addition to what it says itself.
    type: list
    elements: str
    default: []
  state:
    description: Whether the alarms are there.
    type: str
    choices: [present, absent]
    default: present
  tags:
    description:
      - Tags of the alarms. Other tags of an alarm stay. To compare them costs a read for each alarm.
    type: dict
  purge:
    description:
      - Delete alarms that are not among O(alarms), have a name that starts with one of O(purge_name_prefixes), and
        carry all of O(tags). Alarms made by others are never deleted.
    type: bool
    default: false
  purge_name_prefixes:
    description:
      - How the names of own alarms start. Required with O(purge) and O(alarms).
      - With O(topology), unless given, it is how the names of the topology's alarms start.
    type: list
    elements: str
    default: []
  prove_delivery:
    description:
      - Set an alarm to ALARM for each different action (an SNS topic, for example), read in its history whether
        CloudWatch could deliver, and set it back. Whoever is subscribed gets a message that says that it is a test.
      - An action that fails is an error that names it. CloudWatch itself drops such notifications without a word, for
        example where a topic is encrypted with a key that CloudWatch may not use.
    type: bool
    default: false
  delivery_timeout:
    description: Seconds to wait for CloudWatch to report a delivery.
    type: int
    default: 60
notes:
  - A new alarm is INSUFFICIENT_DATA until its metric has data. The metrics of a queue start with its use and may take
    15 minutes after a time without.
seealso:
  - plugin: ecommerce.sqs.expand
    plugin_type: filter
  - module: amazon.aws.cloudwatch_metric_alarm
"""

EXAMPLES = r"""
- name: All alarms of a topology; those of queues that it no longer has go
  ecommerce.sqs.alarms:
    topology:
      prefix: ecommerce
      queues:
        order: {visibility_timeout: 300, alarms: {backlog: {threshold: 500}}}
      services:
        order: {produces: [order]}
        payment: {consumes: [order]}
    region: ap-southeast-1
    alarm_actions: [arn:aws:sns:ap-southeast-1:123456789012:on-call]
    tags:
      Topology: ecommerce
    purge: true
    purge_name_prefixes: [ecommerce-, high-]

- name: One alarm on a metric, one on metric math
  ecommerce.sqs.alarms:
    alarms:
      - AlarmName: high-order-queue-depth
        AlarmDescription: Too many unprocessed orders
        Namespace: AWS/SQS
        MetricName: ApproximateNumberOfMessagesVisible
        Dimensions:
          - {Name: QueueName, Value: ecommerce-order-queue}
        Statistic: Average
        Period: 300
        EvaluationPeriods: 2
        Threshold: 100
        ComparisonOperator: GreaterThanThreshold
        TreatMissingData: notBreaching
        AlarmActions: [arn:aws:sns:ap-southeast-1:123456789012:on-call]
      - AlarmName: order-queue-unpolled
        EvaluationPeriods: 3
        Threshold: 1
        ComparisonOperator: LessThanThreshold
        TreatMissingData: breaching
        Metrics:
          - Id: result
            Expression: FILL(empty,0)
          - Id: empty
            ReturnData: false
            MetricStat:
              Stat: Sum
              Period: 300
              Metric:
                Namespace: AWS/SQS
                MetricName: NumberOfEmptyReceives
                Dimensions:
                  - {Name: QueueName, Value: ecommerce-order-queue}

- name: Prove that somebody hears of it
  ecommerce.sqs.alarms:
    topology: "{{ sqs_topology }}"
    alarm_actions: [arn:aws:sns:ap-southeast-1:123456789012:on-call]
    prove_delivery: true

- name: Remove one
  ecommerce.sqs.alarms:
    state: absent
    alarms:
      - AlarmName: order-queue-unpolled
"""

RETURN = r"""
alarms:
  description: The alarms in the order given; empty with O(state=absent).
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name of the alarm.
      type: str
      sample: high-order-queue-depth
    arn:
      description: Its ARN; V(null) for one that this task created.
      type: str
      sample: arn:aws:cloudwatch:ap-southeast-1:123456789012:alarm:high-order-queue-depth
    state:
      description: Its state before the task; a new alarm starts with INSUFFICIENT_DATA.
      type: str
      sample: OK
    actions:
      description: What it does when it goes to ALARM.
      type: list
      elements: str
      sample: [arn:aws:sns:ap-southeast-1:123456789012:on-call]
created:
  description: Names of the alarms that were created (in check mode, that would be).
  returned: success
  type: list
  elements: str
  sample: [high-order-queue-depth]
updated:
  description: Names of the alarms that were changed.
  returned: success
  type: list
  elements: str
  sample: []
deleted:
  description: Names of the alarms that were deleted.
  returned: success
  type: list
  elements: str
  sample: []
retagged:
  description: Names of the alarms that stayed as they are but for their tags.
  returned: success
  type: list
  elements: str
  sample: []
deliveries:
  description: The proof for each action; empty in check mode.
  returned: with O(prove_delivery)
  type: list
  elements: dict
  sample:
    - alarm: high-order-queue-depth
      action: arn:aws:sns:ap-southeast-1:123456789012:on-call
      delivered: true
      error: null
api_calls:
  description: Number of requests made to AWS by operation, repeated ones included.
  returned: success
  type: dict
  sample: {DescribeAlarms: 3}
"""

from ansible_collections.ecommerce.sqs.plugins.module_utils._alarms.reconcile import reconcile
from ansible_collections.ecommerce.sqs.plugins.module_utils._aws.module import run_module


def main() -> None:
    argument_spec = {
        "topology": {"type": "dict"},
        "alarms": {"type": "list", "elements": "dict"},
        "alarm_actions": {"type": "list", "elements": "str", "default": []},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "tags": {"type": "dict"},
        "purge": {"type": "bool", "default": False},
        "purge_name_prefixes": {"type": "list", "elements": "str", "default": []},
        "prove_delivery": {"type": "bool", "default": False},
        "delivery_timeout": {"type": "int", "default": 60},
    }
    run_module(
        argument_spec,
        reconcile,
        required_one_of=[("topology", "alarms")],
        mutually_exclusive=[("topology", "alarms")],
    )


if __name__ == "__main__":
    main()
