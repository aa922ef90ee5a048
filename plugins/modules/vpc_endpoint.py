#!/usr/bin/python
# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: vpc_endpoint
short_description: Manage the interface endpoint through which a VPC reaches SQS
version_added: 1.0.0
author:
  - Contributors to the ecommerce.sqs project (@ecommerce-sqs)
description:
  - With an interface endpoint, instances reach SQS without a way to the Internet.
  - From a topology follows the endpoint's policy - only calls to the topology's queues pass, only those that its
    services and its operator make, and only with credentials of the own account.
  - Changes of policy, subnets and security groups reach an endpoint that exists, which M(amazon.aws.ec2_vpc_endpoint)
    leaves as it is.
  - There is one endpoint of a service in a VPC; it is found by the two.
  - Needs the permissions C(ec2:DescribeVpcEndpoints), C(ec2:CreateVpcEndpoint), C(ec2:ModifyVpcEndpoint),
    C(ec2:DeleteVpcEndpoints), C(ec2:CreateTags), C(ec2:DeleteTags), and for a private DNS name
    C(route53:AssociateVPCWithHostedZone).
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
  vpc_id:
    description: The ID of the VPC.
    type: str
    required: true
  service_name:
    description: The name of the service; C(com.amazonaws.REGION.sqs) where it is not set.
    type: str
  subnet_ids:
    description: The subnets in which the endpoint has an address, one for each availability zone. Unset leaves them.
    type: list
    elements: str
  security_group_ids:
    description:
      - The security groups of the endpoint; they have to let in HTTPS (TCP 443) from the instances. Unset leaves them.
    type: list
    elements: str
  private_dns_enabled:
    description:
      - Whether SQS's ordinary name leads to the endpoint within the VPC, so that nobody has to know of it.
        Unset leaves it.
    type: bool
  topology:
    description: A topology, as P(ecommerce.sqs.expand#filter) takes it, from which the policy follows.
    type: dict
  policy:
    description: The policy of the endpoint, where it does not follow from O(topology). Unset leaves it.
    type: dict
  tags:
    description: Tags of the endpoint. Unset leaves them.
    type: dict
  purge_tags:
    description: Whether tags that are not given are removed, where tags are given.
    type: bool
    default: true
  state:
    description: Whether the endpoint is there.
    type: str
    choices: [present, absent]
    default: present
  wait:
    description: Wait until the endpoint is available.
    type: bool
    default: true
  wait_timeout:
    description: Seconds to wait.
    type: int
    default: 320
seealso:
  - module: amazon.aws.ec2_vpc_endpoint
"""

EXAMPLES = r"""
- name: Reach the queues of the topology, and nothing else, without the Internet
  ecommerce.sqs.vpc_endpoint:
    vpc_id: vpc-0123456789abcdef0
    subnet_ids: [subnet-0123456789abcdef0, subnet-0fedcba9876543210]
    security_group_ids: [sg-0123456789abcdef0]
    private_dns_enabled: true
    topology: "{{ sqs_topology }}"
    region: ap-southeast-1

- name: Remove it
  ecommerce.sqs.vpc_endpoint:
    vpc_id: vpc-0123456789abcdef0
    region: ap-southeast-1
    state: absent
"""

RETURN = r"""
vpc_endpoint:
  description: The endpoint; empty with O(state=absent). In check mode a new one has no ID.
  returned: success
  type: dict
  contains:
    id:
      description: The ID of the endpoint.
      type: str
      sample: vpce-0123456789abcdef0
    state:
      description: Its state.
      type: str
      sample: available
    subnets:
      description: Its subnets.
      type: list
      elements: str
      sample: [subnet-0123456789abcdef0]
    security_groups:
      description: Its security groups.
      type: list
      elements: str
      sample: [sg-0123456789abcdef0]
    private_dns:
      description: Whether SQS's ordinary name leads to it.
      type: bool
      sample: true
    policy:
      description: Its policy.
      type: dict
      sample: {Version: "2012-10-17", Statement: []}
    tags:
      description: Its tags.
      type: dict
      sample: {}
api_calls:
  description: Number of requests made to AWS by operation, repeated ones included.
  returned: success
  type: dict
  sample: {DescribeVpcEndpoints: 1, GetCallerIdentity: 1}
"""

from ansible_collections.ecommerce.sqs.plugins.module_utils._aws.module import run_module
from ansible_collections.ecommerce.sqs.plugins.module_utils._vpc_endpoint.reconcile import reconcile


def main() -> None:
    argument_spec = {
        "vpc_id": {"type": "str", "required": True},
        "service_name": {"type": "str"},
        "subnet_ids": {"type": "list", "elements": "str"},
        "security_group_ids": {"type": "list", "elements": "str"},
        "private_dns_enabled": {"type": "bool"},
        "topology": {"type": "dict"},
        "policy": {"type": "dict"},
        "tags": {"type": "dict"},
        "purge_tags": {"type": "bool", "default": True},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "wait": {"type": "bool", "default": True},
        "wait_timeout": {"type": "int", "default": 320},
    }
    run_module(
        argument_spec,
        reconcile,
        mutually_exclusive=[("topology", "policy")],
    )


if __name__ == "__main__":
    main()
