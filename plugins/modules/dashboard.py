#!/usr/bin/python
# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dashboard
short_description: Manage the CloudWatch dashboard of a topology
version_added: 1.0.0
author:
  - Contributors to the ecommerce.sqs project (@ecommerce-sqs)
description:
  - Makes a CloudWatch dashboard from a topology. It shows the alarms; for each queue what waits, is in flight and is
    delayed, the age of the oldest message against its objective, and what is sent, received and finished a minute;
    where a group scales on a queue the backlog per instance against its target, and the group; and the dead-letter
    queues.
  - A dashboard is compared by its content, so that a second run writes nothing, whoever formatted it.
  - Needs the permissions C(cloudwatch:GetDashboard), C(cloudwatch:PutDashboard), C(cloudwatch:DeleteDashboards), and
    C(sts:GetCallerIdentity) for O(topology).
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
  name:
    description: The name of the dashboard, of letters, digits, C(-) and C(_).
    type: str
    required: true
  state:
    description: Whether the dashboard is there.
    type: str
    choices: [present, absent]
    default: present
  topology:
    description:
      - A topology, as P(ecommerce.sqs.expand#filter) takes it.
      - One of O(topology) and O(body) is required with O(state=present).
    type: dict
  autoscaling_groups:
    description: The name of the auto-scaling group whose instances run a service, by service.
    type: dict
    default: {}
  backlog_targets:
    description: The messages per instance that the group of a service aims at, by service; drawn as a line.
    type: dict
    default: {}
  queues:
    description:
      - Keys of the queues to show; all where it is not set.
      - A dashboard holds 500 widgets, a queue takes three.
    type: list
    elements: str
  body:
    description: A dashboard of one's own, in the structure that CloudWatch documents.
    type: dict
seealso:
  - module: ecommerce.sqs.alarms
  - module: ecommerce.sqs.scaling_policy
"""

EXAMPLES = r"""
- name: The dashboard of a topology
  ecommerce.sqs.dashboard:
    name: ecommerce
    region: ap-southeast-1
    topology:
      prefix: ecommerce
      queues:
        order: {visibility_timeout: 300}
      services:
        order: {produces: [order]}
        payment: {consumes: [order]}
    autoscaling_groups:
      payment: payment-service-asg
    backlog_targets:
      payment: 100

- name: Remove it
  ecommerce.sqs.dashboard:
    name: ecommerce
    state: absent
"""

RETURN = r"""
name:
  description: The name of the dashboard.
  returned: success
  type: str
  sample: ecommerce
widgets:
  description: How many widgets it has.
  returned: success
  type: int
  sample: 14
body:
  description: The dashboard; empty with O(state=absent).
  returned: success
  type: dict
  sample:
    widgets:
      - {type: alarm, x: 0, y: 0, width: 24, height: 6}
remarks:
  description: What CloudWatch has to remark about a dashboard that it took.
  returned: success
  type: list
  elements: str
  sample: []
api_calls:
  description: Number of requests made to AWS by operation, repeated ones included.
  returned: success
  type: dict
  sample: {GetCallerIdentity: 1, GetDashboard: 1}
"""

from ansible_collections.ecommerce.sqs.plugins.module_utils._aws.module import run_module
from ansible_collections.ecommerce.sqs.plugins.module_utils._dashboard.reconcile import reconcile


def main() -> None:
    argument_spec = {
        "name": {"type": "str", "required": True},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "topology": {"type": "dict"},
        "autoscaling_groups": {"type": "dict", "default": {}},
        "backlog_targets": {"type": "dict", "default": {}},
        "queues": {"type": "list", "elements": "str"},
        "body": {"type": "dict"},
    }
    run_module(
        argument_spec,
        reconcile,
        required_if=[("state", "present", ("topology", "body"), True)],
        mutually_exclusive=[("topology", "body")],
    )


if __name__ == "__main__":
    main()
