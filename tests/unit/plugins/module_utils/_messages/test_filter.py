# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which messages are meant."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.ecommerce.sqs.plugins.module_utils._messages.filter import (
    MessageFilter,
    read_removal,
)
from ansible_collections.ecommerce.sqs.plugins.module_utils._problems import InvalidInputError


@pytest.mark.parametrize("given", [{}, {"body_contains": None}, {"attributes": {}}])
def test_a_filter_that_chooses_everything_removes_nothing(given: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError) as caught:
        read_removal(given, "filter")
    assert caught.value.errors == ["filter: chooses every message; queue_purge is the module that empties a queue"]


@pytest.mark.parametrize(
    ("chosen", "matches"),
    [
        (MessageFilter(), True),
        (MessageFilter(body_contains="order"), True),
        (MessageFilter(body_contains="refund"), False),
        (MessageFilter(body_matches=r"order\D+7\b"), True),
        (MessageFilter(attributes={"n": "3"}), True),
        (MessageFilter(attributes={"n": "4"}), False),
        (MessageFilter(attributes={"missing": "None"}), False),
        (MessageFilter(minimum_age=60), True),
        (MessageFilter(minimum_age=61), False),
        (MessageFilter(maximum_age=59), False),
        (MessageFilter(minimum_receive_count=3), False),
        (MessageFilter(maximum_receive_count=2), True),
    ],
)
def test_filter(chosen: MessageFilter, matches: bool) -> None:
    message = {
        "MessageId": "id",
        "Body": "order 7",
        "Attributes": {"SentTimestamp": "1000000", "ApproximateReceiveCount": "2"},
        "MessageAttributes": {"n": {"DataType": "Number", "StringValue": "3"}},
    }
    assert chosen.matches(message, 1060.0) is matches
