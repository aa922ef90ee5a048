#!/usr/bin/python
# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: instance_profile
short_description: Manage instance profiles with their role and policies
version_added: 1.0.0
author:
  - Contributors to the ecommerce.sqs project (@ecommerce-sqs)
description:
  - An instance profile is what gives an EC2 instance its rights. This module manages any number of them in one task,
    each with its role, the policies of the role, and tags.
  - Reads all, plans all, and then makes only the calls that are needed. A second run makes none that writes.
  - The role is complete before the profile gets it, so that no instance runs with half of its rights.
  - A customer managed policy is updated by a new default version; the oldest version is removed when IAM has no
    room for another.
  - Needs the permissions C(sts:GetCallerIdentity) and, of C(iam), C(GetRole), C(GetInstanceProfile), C(GetPolicy),
    C(GetPolicyVersion), C(ListAttachedRolePolicies), C(ListRolePolicies), C(GetRolePolicy), C(CreateRole),
    C(UpdateRole), C(UpdateAssumeRolePolicy), C(CreatePolicy), C(CreatePolicyVersion), C(ListPolicyVersions),
    C(DeletePolicyVersion), C(AttachRolePolicy), C(DetachRolePolicy), C(PutRolePolicy), C(DeleteRolePolicy),
    C(PutRolePermissionsBoundary), C(DeleteRolePermissionsBoundary), C(CreateInstanceProfile),
    C(AddRoleToInstanceProfile) with C(PassRole), C(RemoveRoleFromInstanceProfile), and C(Tag*) and C(Untag*) of the
    three kinds.
    O(state=absent) also needs C(iam:DeleteInstanceProfile), C(iam:DeleteRole), C(iam:DeletePolicy),
    C(iam:ListInstanceProfilesForRole), C(iam:ListEntitiesForPolicy) and
    C(ec2:DescribeIamInstanceProfileAssociations).
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
  topology:
    description:
      - A topology, as P(ecommerce.sqs.expand#filter) takes it. Every service gets the profile, the role and the policy
        that follow from it, the policy allowing what the topology says that the service does and nothing else.
      - Exactly one of O(topology) and O(instance_profiles) is required.
    type: dict
  services:
    description:
      - The services of O(topology) whose profiles are meant; the others', and the operator's role, are left alone.
      - By default all of them.
    type: list
    elements: str
    default: []
  autoscaling_groups:
    description:
      - Names of the auto-scaling groups whose instances run a service, by service, a name or a list of names. Such
        instances may then protect themselves while they work, and finish their drain. For O(topology) only.
    type: dict
  operator_principals:
    description:
      - ARNs of the users and roles who may assume the operator's role of the topology, C(PREFIX-redrive-role), which
        may look into the dead-letter queues and move their messages back. It has no instance profile.
      - When empty, that role is neither made nor removed. For O(topology) only.
    type: list
    elements: str
    default: []
  instance_profiles:
    description: The instance profiles, where they do not follow from a topology.
    type: list
    elements: dict
    suboptions:
      name:
        description: The name of the instance profile.
        type: str
        required: true
      role:
        description: The name of its role. The default is the name of the profile.
        type: str
      description:
        description: The description of the role. Where it is not set, it stays as it is.
        type: str
      assume_role_policy:
        description: Who may assume the role. The default is the EC2 service of the partition, and nobody else.
        type: dict
      permissions_boundary:
        description:
          - The ARN of the policy that limits what the role can be allowed.
          - The empty string removes it; where it is not set, it stays as it is.
        type: str
      max_session_duration:
        description: The longest session with the role, 3600 to 43200 seconds. Where it is not set, it stays as it is.
        type: int
      managed_policies:
        description:
          - Customer managed policies, which are created, updated, attached to the role, and, with O(state=absent),
            deleted.
        type: list
        elements: dict
        default: []
        suboptions:
          name:
            description: The name of the policy.
            type: str
            required: true
          document:
            description: The policy. Required unless O(state=absent). Compared by its meaning, not by its text.
            type: dict
      managed_policy_arns:
        description:
          - Policies that exist already, AWS's own or of the account, by ARN. They are attached to the role.
        type: list
        elements: str
        default: []
      inline_policies:
        description: Policies that are part of the role.
        type: list
        elements: dict
        default: []
        suboptions:
          name:
            description: The name of the policy.
            type: str
            required: true
          document:
            description: The policy. Required unless O(state=absent).
            type: dict
      tags:
        description: Tags of this profile, of its role and of its customer managed policies, on top of O(tags).
        type: dict
  managed_policy_arns:
    description: Policies that exist already, by ARN, for every role, in addition to those of each.
    type: list
    elements: str
    default: []
  permissions_boundary:
    description: The ARN of the permissions boundary of every role that has no word of its own about it.
    type: str
  state:
    description:
      - Whether the profiles are there.
      - With V(absent), the profile, its role, and the policies named in O(instance_profiles[].managed_policies) are
        deleted, each step in the order that IAM asks for. Other policies are only detached.
      - A profile that an instance uses, a role that another profile has, or a policy that another role has, is
        refused before anything is deleted.
    type: str
    choices: [present, absent]
    default: present
  force:
    description: Delete instance profiles even where instances use them. Those instances lose their rights.
    type: bool
    default: false
  tags:
    description:
      - Tags of every profile, role and customer managed policy. Where no tags are given, they stay as they are.
    type: dict
  purge_tags:
    description: Whether tags that are not given are removed, where tags are given.
    type: bool
    default: true
  purge_policies:
    description: Whether policies of the role that are not given are detached (managed) or deleted (inline).
    type: bool
    default: false
  wait:
    description:
      - Wait until IAM answers for a profile that was created.
      - EC2 may need up to two minutes more. M(ecommerce.sqs.instance_profile_association) tries again for as long.
    type: bool
    default: true
  wait_timeout:
    description: Seconds to wait.
    type: int
    default: 120
seealso:
  - module: ecommerce.sqs.instance_profile_association
  - plugin: ecommerce.sqs.instance_profiles
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Give every service of a topology its instance profile, by least privilege
  ecommerce.sqs.instance_profile:
    topology:
      prefix: ecommerce
      queues:
        order: {visibility_timeout: 300}
      services:
        order: {produces: [order]}
        payment: {consumes: [order]}
    region: ap-southeast-1
    autoscaling_groups:
      payment: payment-service-asg
    tags:
      Application: ecommerce

- name: One profile, with an own policy and one of AWS
  ecommerce.sqs.instance_profile:
    instance_profiles:
      - name: ecommerce-payment-instance-profile
        role: ecommerce-payment-role
        managed_policies:
          - name: ecommerce-payment-sqs-policy
            document:
              Version: "2012-10-17"
              Statement:
                - Effect: Allow
                  Action: [sqs:ReceiveMessage, sqs:DeleteMessage, sqs:ChangeMessageVisibility]
                  Resource: arn:aws:sqs:ap-southeast-1:123456789012:ecommerce-order-queue
        managed_policy_arns:
          - arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore

- name: Remove it with its role and policy
  ecommerce.sqs.instance_profile:
    state: absent
    instance_profiles:
      - name: ecommerce-payment-instance-profile
        role: ecommerce-payment-role
        managed_policies:
          - name: ecommerce-payment-sqs-policy
"""

RETURN = r"""
instance_profiles:
  description: The profiles, in the order given, as they are after the task (in check mode, as they would be).
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name of the profile.
      type: str
      sample: ecommerce-payment-instance-profile
    arn:
      description: Its ARN, or V(null) where it is not there, and for the operator's role.
      type: str
      sample: arn:aws:iam::123456789012:instance-profile/ecommerce-payment-instance-profile
    role_name:
      description: The name of its role.
      type: str
      sample: ecommerce-payment-role
    role_arn:
      description: The ARN of its role, or V(null) where it is not there.
      type: str
      sample: arn:aws:iam::123456789012:role/ecommerce-payment-role
    policy_arns:
      description: The managed policies of the role.
      type: list
      elements: str
      sample: [arn:aws:iam::123456789012:policy/ecommerce-payment-sqs-policy]
    steps:
      description: What was done, in order.
      type: list
      elements: str
      sample: [update policy arn:aws:iam::123456789012:policy/ecommerce-payment-sqs-policy]
services:
  description: With a topology, what each service has, by its name.
  returned: success
  type: dict
  sample:
    payment:
      instance_profile_name: ecommerce-payment-instance-profile
      instance_profile_arn: arn:aws:iam::123456789012:instance-profile/ecommerce-payment-instance-profile
      role_name: ecommerce-payment-role
      role_arn: arn:aws:iam::123456789012:role/ecommerce-payment-role
      policy_name: ecommerce-payment-sqs-policy
      policy_arn: arn:aws:iam::123456789012:policy/ecommerce-payment-sqs-policy
api_calls:
  description: Number of requests made to AWS by operation, repeated ones included.
  returned: success
  type: dict
  sample: {GetInstanceProfile: 3, GetRole: 3, ListAttachedRolePolicies: 3}
"""

from ansible_collections.ecommerce.sqs.plugins.module_utils._aws.module import run_module
from ansible_collections.ecommerce.sqs.plugins.module_utils._instance_profiles.reconcile import reconcile


def main() -> None:
    policy = {
        "name": {"type": "str", "required": True},
        "document": {"type": "dict"},
    }
    profile = {
        "name": {"type": "str", "required": True},
        "role": {"type": "str"},
        "description": {"type": "str"},
        "assume_role_policy": {"type": "dict"},
        "permissions_boundary": {"type": "str"},
        "max_session_duration": {"type": "int"},
        "managed_policies": {"type": "list", "elements": "dict", "default": [], "options": policy},
        "managed_policy_arns": {"type": "list", "elements": "str", "default": []},
        "inline_policies": {"type": "list", "elements": "dict", "default": [], "options": policy},
        "tags": {"type": "dict"},
    }
    argument_spec = {
        "topology": {"type": "dict"},
        "services": {"type": "list", "elements": "str", "default": []},
        "autoscaling_groups": {"type": "dict"},
        "operator_principals": {"type": "list", "elements": "str", "default": []},
        "instance_profiles": {"type": "list", "elements": "dict", "options": profile},
        "managed_policy_arns": {"type": "list", "elements": "str", "default": []},
        "permissions_boundary": {"type": "str"},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "force": {"type": "bool", "default": False},
        "tags": {"type": "dict"},
        "purge_tags": {"type": "bool", "default": True},
        "purge_policies": {"type": "bool", "default": False},
        "wait": {"type": "bool", "default": True},
        "wait_timeout": {"type": "int", "default": 120},
    }
    run_module(
        argument_spec,
        reconcile,
        required_one_of=[("topology", "instance_profiles")],
        mutually_exclusive=[("topology", "instance_profiles")],
        required_by={"autoscaling_groups": ["topology"]},
    )


if __name__ == "__main__":
    main()
