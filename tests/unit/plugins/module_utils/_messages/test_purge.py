# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deleting all messages, when SQS allows it."""

from __future__ import annotations

import pytest

from ansible_collections.ecommerce.sqs.plugins.module_utils._aws.client import AwsCallError
from ansible_collections.ecommerce.sqs.plugins.module_utils._messages.purge import purge_when_possible
from ansible_collections.ecommerce.sqs.tests.unit.support.engines import messages_of
from ansible_collections.ecommerce.sqs.tests.unit.support.strict_messages import StrictMessages


def test_the_second_purge_waits_for_the_minute_to_be_over(service: StrictMessages) -> None:
    api, queue = messages_of(service), service.url("orders")
    purge_when_possible(api, queue, wait=True, sleep=service.sleep)
    began = service.now
    with pytest.raises(AwsCallError, match="Only one PurgeQueue operation"):
        purge_when_possible(api, queue, wait=False, sleep=service.sleep)
    purge_when_possible(api, queue, wait=True, sleep=service.sleep)
    assert 60 <= service.now - began <= 70
