# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each test has an EC2 of its own, and an IAM with three profiles."""

from __future__ import annotations

import pytest
from moto import mock_aws

from ansible_collections.ecommerce.sqs.tests.unit.support.strict_aws import StrictAws


@pytest.fixture(autouse=True)
def _moto():
    with mock_aws():
        iam = StrictAws().client("iam")
        for name in ("ours-a", "ours-b", "stranger"):
            iam.create_instance_profile(InstanceProfileName=name)
        yield
