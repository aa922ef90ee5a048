# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""Instances of the simulated EC2, and what EC2 says of a profile that it does not know."""

from __future__ import annotations

from typing import Any

from ansible_collections.ecommerce.sqs.tests.unit.support.strict_aws import StrictAws

IMAGE = "ami-12c6146b"
UNKNOWN = "Value (ours-b) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name"


def launch(count: int = 1, **options: Any) -> list[str]:
    """Start so many instances; return their IDs."""
    ec2 = StrictAws().client("ec2")
    instances = ec2.run_instances(ImageId=IMAGE, MinCount=count, MaxCount=count, **options)["Instances"]
    return [instance["InstanceId"] for instance in instances]
