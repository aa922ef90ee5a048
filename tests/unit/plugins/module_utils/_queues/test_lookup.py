# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""Queues found by name, ARN or URL, and what is shown of them."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.ecommerce.sqs.plugins.module_utils._problems import InvalidInputError, RefusedError
from ansible_collections.ecommerce.sqs.plugins.module_utils._queues.api import QueueApi
from ansible_collections.ecommerce.sqs.plugins.module_utils._queues.lookup import (
    look_up,
    read_reference,
    read_references,
    require_url,
)
from ansible_collections.ecommerce.sqs.tests.unit.support import engines, topologies
from ansible_collections.ecommerce.sqs.tests.unit.support.strict_sqs import REGION, StrictSqs

ORDER = "ecommerce-order-queue"


@pytest.fixture
def platform() -> StrictSqs:
    service = StrictSqs()
    engines.apply_topology(service, topologies.default())
    service.forget_calls()
    return service


def shown(service: StrictSqs, *names: str, **more: Any) -> tuple[list[dict[str, Any]], list[str]]:
    references = read_references(names, REGION, "names") if names else None
    return look_up(QueueApi(service.client()), references, **more)


def test_a_queue_is_the_same_by_name_by_arn_and_by_url(platform: StrictSqs) -> None:
    found = [shown(platform, reference)[0] for reference in (ORDER, platform.arn(ORDER), platform.url(ORDER))]
    assert found[0] == found[1] == found[2]
    ((queue,), missing) = shown(platform, ORDER)
    assert (queue["name"], queue["url"], queue["arn"]) == (ORDER, platform.url(ORDER), platform.arn(ORDER))
    assert (queue["dead_letter_queue"], queue["max_receive_count"]) == ("ecommerce-dlq", 3)
    assert queue["kms_master_key_id"] is None
    assert missing == []


def test_those_that_do_not_exist_are_listed_as_missing(platform: StrictSqs) -> None:
    found, missing = shown(platform, "nowhere", ORDER)
    assert ([queue["name"] for queue in found], missing) == ([ORDER], ["nowhere"])


@pytest.mark.parametrize("more", [{}, {"prefix": "ecommerce-"}])
def test_sources_of_a_dead_letter_queue_are_the_same_read_or_asked_for(
    platform: StrictSqs, more: dict[str, str]
) -> None:
    found, _missing = shown(platform, **more)
    sources = {queue["name"]: queue["dead_letter_source_queues"] for queue in found}
    assert sources["ecommerce-dlq"] == ["ecommerce-notification-queue", ORDER]
    assert sources[ORDER] == []
    asked = platform.counts()["ListDeadLetterSourceQueues"]
    assert asked == (5 if more else 0)


def test_a_prefix_leaves_out_the_others(platform: StrictSqs) -> None:
    assert [queue["name"] for queue in shown(platform, prefix="ecommerce-o")[0]] == [ORDER]


def test_urls_alone_need_one_call_a_queue(platform: StrictSqs) -> None:
    found, missing = shown(platform, ORDER, "nowhere", urls_only=True)
    assert found == [{"name": ORDER, "url": platform.url(ORDER)}]
    assert missing == ["nowhere"]
    assert platform.counts() == {"GetQueueUrl": 2}


def test_every_bad_reference_is_reported() -> None:
    values = ["a b", "arn:aws:sns:eu-west-1:123456789012:x", "arn:aws:sqs:eu-west-1:123456789012:x", "http://host:1", 3]
    with pytest.raises(InvalidInputError) as caught:
        read_references(values, REGION, "names")
    assert [error.split(":")[0] for error in caught.value.errors] == [f"names[{index}]" for index in range(5)]
    assert f"the module works in {REGION}; set region" in caught.value.errors[2]


def test_the_queue_of_another_account_is_asked_for_there(platform: StrictSqs) -> None:
    reference = read_reference(f"arn:aws:sqs:{REGION}:210987654321:{ORDER}", REGION, "queue")
    with pytest.raises(RefusedError):
        require_url(QueueApi(platform.client()), reference)
    assert platform.calls == [("GetQueueUrl", {"QueueName": ORDER, "QueueOwnerAWSAccountId": "210987654321"})]


def test_a_queue_that_has_to_exist_and_does_not_is_refused(platform: StrictSqs) -> None:
    with pytest.raises(RefusedError, match="nowhere: there is no such queue in this account and region"):
        require_url(QueueApi(platform.client()), read_reference("nowhere", REGION, "queue"))
