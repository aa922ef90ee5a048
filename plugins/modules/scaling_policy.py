#!/usr/bin/python
# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scaling_policy
short_description: Scale groups of workers by the backlog of their queues
version_added: 1.0.0
author:
  - Contributors to the ecommerce.sqs project (@ecommerce-sqs)
description:
  - Gives auto-scaling groups target-tracking policies on the messages of a queue for each instance in service, by
    metric math. Messages in flight count, so that busy workers are not taken away.
  - Switches on the group metrics that this needs, before the policy.
  - A lifecycle hook delays the termination of an instance. Nothing here tells its workers to stop, or ends the wait
    early.
  - Needs the permissions C(autoscaling:DescribeAutoScalingGroups), C(autoscaling:DescribePolicies),
    C(autoscaling:DescribeLifecycleHooks), C(autoscaling:EnableMetricsCollection), C(autoscaling:PutScalingPolicy),
    C(autoscaling:DeletePolicy), C(autoscaling:PutLifecycleHook), C(autoscaling:DeleteLifecycleHook), and of
    C(cloudwatch) C(PutMetricAlarm), C(DescribeAlarms) and C(DeleteAlarms), which Auto Scaling uses in the caller's
    name.
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
    support: full
options:
  scaling_policies:
    description: The policies.
    type: list
    elements: dict
    required: true
    suboptions:
      autoscaling_group:
        description:
          - The name of the auto-scaling group, which exists already.
          - In check mode it may be missing, because the task that makes it was not run either.
        type: str
        required: true
      name:
        description: The name of the policy.
        type: str
        default: backlog-per-instance
      queue_name:
        description: The name of the queue that the group's workers consume.
        type: str
        required: true
      form:
        description:
          - V(backlog_per_instance) tracks messages waiting and in flight, divided by the instances in service.
          - V(queue_depth) tracks messages waiting, whatever the number of instances. This is simpler, but what it
            tracks is not proportional to capacity, so that the group keeps scaling out on a steady backlog.
        type: str
        choices: [backlog_per_instance, queue_depth]
        default: backlog_per_instance
      target_value:
        description:
          - How many messages the group aims at, for each instance or in all, as O(scaling_policies[].form) says.
          - Alternatively give O(scaling_policies[].acceptable_latency), O(scaling_policies[].mean_processing_time) and
            O(scaling_policies[].concurrency), from which it follows.
        type: float
      acceptable_latency:
        description: Seconds that a message may take, waiting included.
        type: float
      mean_processing_time:
        description: Seconds that one message takes on average.
        type: float
      concurrency:
        description: How many messages one instance works on at once.
        type: int
      disable_scale_in:
        description: Only ever add instances.
        type: bool
        default: false
      estimated_instance_warmup:
        description: Seconds until a new instance counts; the default of the group where it is not set.
        type: int
      drain:
        description: A lifecycle hook that holds an instance that is to be terminated for so long.
        type: dict
        suboptions:
          name:
            description: The name of the hook.
            type: str
            default: drain
          heartbeat_timeout:
            description:
              - Seconds that the instance is held, 30 to 7200, unless it says before that it is done
                (C(autoscaling:CompleteLifecycleAction)).
              - The stop timeout of the worker's unit or more, or messages are cut off.
            type: int
            required: true
          default_result:
            description: What happens at the end of that time. The instance is terminated in both cases.
            type: str
            choices: [CONTINUE, ABANDON]
            default: CONTINUE
  state:
    description:
      - Whether the policies and hooks are there.
      - V(absent) leaves the collection of metrics as it is, because others may use them.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: ecommerce.sqs.dashboard
  - module: ecommerce.sqs.instance_profile
"""

EXAMPLES = r"""
- name: Keep every order within five minutes, at half a second each and ten at once
  ecommerce.sqs.scaling_policy:
    scaling_policies:
      - autoscaling_group: payment-service-asg
        queue_name: ecommerce-order-queue
        acceptable_latency: 300
        mean_processing_time: 0.5
        concurrency: 10
        drain:
          heartbeat_timeout: 330

- name: The simple form, on the depth of the queue
  ecommerce.sqs.scaling_policy:
    scaling_policies:
      - autoscaling_group: payment-service-asg
        name: scale-up-on-queue-depth
        queue_name: ecommerce-order-queue
        form: queue_depth
        target_value: 50
"""

RETURN = r"""
groups:
  description: The groups, in the order given.
  returned: success
  type: list
  elements: dict
  contains:
    autoscaling_group:
      description: The name of the group.
      type: str
      sample: payment-service-asg
    target_values:
      description: What its policies aim at, by name of the policy.
      type: dict
      sample: {backlog-per-instance: 6000.0}
    steps:
      description: What was done, in order (in check mode, what would be).
      type: list
      elements: str
      sample: ["collect metrics GroupInServiceInstances, GroupDesiredCapacity", put policy backlog-per-instance]
api_calls:
  description: Number of requests made to AWS by operation, repeated ones included.
  returned: success
  type: dict
  sample: {DescribeAutoScalingGroups: 1, DescribeLifecycleHooks: 1, DescribePolicies: 1}
"""

from ansible_collections.ecommerce.sqs.plugins.module_utils._aws.module import run_module
from ansible_collections.ecommerce.sqs.plugins.module_utils._scaling.reconcile import reconcile


def main() -> None:
    drain = {
        "name": {"type": "str", "default": "drain"},
        "heartbeat_timeout": {"type": "int", "required": True},
        "default_result": {"type": "str", "choices": ["CONTINUE", "ABANDON"], "default": "CONTINUE"},
    }
    policy = {
        "autoscaling_group": {"type": "str", "required": True},
        "name": {"type": "str", "default": "backlog-per-instance"},
        "queue_name": {"type": "str", "required": True},
        "form": {
            "type": "str",
            "choices": ["backlog_per_instance", "queue_depth"],
            "default": "backlog_per_instance",
        },
        "target_value": {"type": "float"},
        "acceptable_latency": {"type": "float"},
        "mean_processing_time": {"type": "float"},
        "concurrency": {"type": "int"},
        "disable_scale_in": {"type": "bool", "default": False},
        "estimated_instance_warmup": {"type": "int"},
        "drain": {"type": "dict", "options": drain},
    }
    argument_spec = {
        "scaling_policies": {"type": "list", "elements": "dict", "required": True, "options": policy},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    }
    run_module(argument_spec, reconcile)


if __name__ == "__main__":
    main()
