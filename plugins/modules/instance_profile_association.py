#!/usr/bin/python
# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: instance_profile_association
short_description: Attach instance profiles to running EC2 instances
version_added: 1.0.0
author:
  - Contributors to the ecommerce.sqs project (@ecommerce-sqs)
description:
  - Gives EC2 instances their instance profile while they run; no instance is stopped.
  - An instance that has another profile is swapped to the new one without a moment without credentials, but only
    when O(replaceable) says that the other profile may be replaced. Otherwise nothing at all is changed.
  - A profile that was created moments ago may not be known to EC2 yet. The call is tried again on exactly that error
    until O(wait_timeout) has passed.
  - Needs the permissions C(ec2:DescribeInstances), C(ec2:DescribeIamInstanceProfileAssociations),
    C(ec2:AssociateIamInstanceProfile), C(ec2:ReplaceIamInstanceProfileAssociation),
    C(ec2:DisassociateIamInstanceProfile), C(ec2:ModifyInstanceMetadataOptions), and C(iam:PassRole) on the roles.
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
  associations:
    description: The instances with the profile that each shall have.
    type: list
    elements: dict
    required: true
    suboptions:
      instance_id:
        description: The ID of the instance.
        type: str
        required: true
      instance_profile:
        description: The name or the ARN of the instance profile. Required unless O(state=absent).
        type: str
  state:
    description: Whether the instances have their profile, or none at all.
    type: str
    choices: [present, absent]
    default: present
  replaceable:
    description:
      - Names of instance profiles that may be replaced or taken away, with C(*) and C(?) as wildcards.
      - An instance that has a profile not listed here is an error that names both. V(*) lists every profile.
    type: list
    elements: str
    default: []
  require_imdsv2:
    description:
      - Have the instances refuse version 1 of the metadata service, through which a forged request of a web server
        could read the credentials of the profile.
      - V(false) leaves the instances as they are; this module never allows version 1 again.
    type: bool
    default: false
  metadata_hop_limit:
    description: How many network hops an answer of the metadata service may take; 2 where containers ask for it.
    type: int
  wait:
    description: Wait until EC2 reports the profiles as associated.
    type: bool
    default: true
  wait_timeout:
    description: Seconds to wait for EC2 to know a profile, and again for the association to be complete.
    type: int
    default: 180
seealso:
  - module: ecommerce.sqs.instance_profile
"""

EXAMPLES = r"""
- name: Give two running instances their profiles, in place of another one of ours
  ecommerce.sqs.instance_profile_association:
    associations:
      - instance_id: i-0123456789abcdef0
        instance_profile: ecommerce-order-instance-profile
      - instance_id: i-0fedcba9876543210
        instance_profile: ecommerce-payment-instance-profile
    replaceable: [ecommerce-*]
    require_imdsv2: true

- name: Take the profile from an instance
  ecommerce.sqs.instance_profile_association:
    state: absent
    associations:
      - instance_id: i-0123456789abcdef0
    replaceable: [ecommerce-order-instance-profile]
"""

RETURN = r"""
associations:
  description: The instances in the order given, as they are after the task (in check mode, as they would be).
  returned: success
  type: list
  elements: dict
  contains:
    instance_id:
      description: The ID of the instance.
      type: str
      sample: i-0123456789abcdef0
    instance_profile:
      description: The name of its profile, or V(null).
      type: str
      sample: ecommerce-payment-instance-profile
    previous_instance_profile:
      description: The name of the profile that it had before, or V(null).
      type: str
      sample: ecommerce-ec2-instance-profile
    http_tokens:
      description: V(required) where only version 2 of the metadata service answers, else V(optional).
      type: str
      sample: required
    changed:
      description: Whether anything was changed for this instance.
      type: bool
      sample: true
api_calls:
  description: Number of requests made to AWS by operation, repeated ones included.
  returned: success
  type: dict
  sample: {DescribeIamInstanceProfileAssociations: 1, DescribeInstances: 1}
"""

from ansible_collections.ecommerce.sqs.plugins.module_utils._associations.reconcile import reconcile
from ansible_collections.ecommerce.sqs.plugins.module_utils._aws.module import run_module


def main() -> None:
    association = {
        "instance_id": {"type": "str", "required": True},
        "instance_profile": {"type": "str"},
    }
    argument_spec = {
        "associations": {"type": "list", "elements": "dict", "required": True, "options": association},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "replaceable": {"type": "list", "elements": "str", "default": []},
        "require_imdsv2": {"type": "bool", "default": False},
        "metadata_hop_limit": {"type": "int"},
        "wait": {"type": "bool", "default": True},
        "wait_timeout": {"type": "int", "default": 180},
    }
    run_module(argument_spec, reconcile)


if __name__ == "__main__":
    main()
