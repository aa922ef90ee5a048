# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long an endpoint is waited for."""

from __future__ import annotations

from moto import mock_aws

from ansible_collections.ecommerce.sqs.plugins.module_utils._vpc_endpoint.api import EndpointApi
from ansible_collections.ecommerce.sqs.tests.unit.support.strict_aws import Clock, StrictAws


@mock_aws
def test_an_endpoint_is_waited_for_until_the_timeout():
    clock = Clock()
    api = EndpointApi(StrictAws().client("ec2"), sleep=clock.sleep)
    assert api.wait_until_available("vpc-01234567", "com.amazonaws.x.sqs", 20) is None
    assert clock.now == 20
