# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""A redrive as it was asked for."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.ecommerce.sqs.plugins.module_utils._messages.redrive_options import (
    RATE_MAXIMUM,
    VISIBILITY_MAXIMUM,
    VISIBILITY_MINIMUM,
    WAIT_MAXIMUM,
    RedriveOptions,
    read_redrive_options,
)
from ansible_collections.ecommerce.sqs.plugins.module_utils._problems import InvalidInputError

REGION = "eu-west-1"
DEFAULTS: dict[str, Any] = {
    "queue": "dlq",
    "destination": None,
    "destination_region": None,
    "method": "auto",
    "max_messages_per_second": None,
    "limit": None,
    "filter": None,
    "edit": None,
    "visibility_timeout": 300,
    "wait": True,
    "wait_timeout": 3600,
}


def read(**given: Any) -> RedriveOptions:
    return read_redrive_options({**DEFAULTS, **given}, REGION)


def paths(**given: Any) -> list[str]:
    with pytest.raises(InvalidInputError) as caught:
        read(**given)
    return [error.split(":")[0] for error in caught.value.errors]


def test_the_task_of_sqs_does_what_is_not_special() -> None:
    options = read(destination="orders", max_messages_per_second=50)
    assert not options.by_hand
    assert (options.rate, options.limit, options.elsewhere) == (50, None, None)


@pytest.mark.parametrize(
    "given",
    [
        {"limit": 1},
        {"filter": {"body_contains": "x"}},
        {"edit": {"remove_attributes": ["x"]}},
        {"destination": "orders", "destination_region": "eu-north-1"},
        {"destination": "arn:aws:sqs:eu-north-1:123456789012:orders"},
    ],
)
def test_what_is_special_is_done_by_hand(given: dict[str, Any]) -> None:
    assert read(**given).by_hand
    assert "method" in paths(method="native", **given)


@pytest.mark.parametrize(
    "given", [{"destination_region": REGION}, {"destination": f"arn:aws:sqs:{REGION}:123456789012:orders"}]
)
def test_a_destination_in_the_same_region_is_not_elsewhere(given: dict[str, Any]) -> None:
    assert read(**{"destination": "orders", **given}).elsewhere is None


@pytest.mark.parametrize(
    ("option", "least", "greatest"),
    [
        ("max_messages_per_second", 1, RATE_MAXIMUM),
        ("visibility_timeout", VISIBILITY_MINIMUM, VISIBILITY_MAXIMUM),
        ("wait_timeout", 1, WAIT_MAXIMUM),
    ],
)
def test_limits(option: str, least: int, greatest: int) -> None:
    for value in (least, greatest):
        read(**{option: value})
    for value in (least - 1, greatest + 1):
        assert paths(**{option: value}) == [option]


def test_all_faults_are_reported_at_once() -> None:
    found = paths(
        method="native", limit=0, filter={"body_matches": "("}, destination_region="eu-north-1", wait_timeout=0
    )
    assert found == ["limit", "filter.body_matches", "wait_timeout", "destination_region", "method"]
