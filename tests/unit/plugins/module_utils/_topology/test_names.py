# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ecommerce.sqs.plugins.module_utils._topology import names

PLACE = names.Place("eu-west-1", "123456789012", "aws")
ORDER = "arn:aws:sqs:eu-west-1:123456789012:order.fifo"
_part = st.text("abcdefghij-0123456789", min_size=1, max_size=12)


@given(st.builds(names.Arn, _part, _part, _part, _part, _part))
def test_an_arn_is_parsed_into_the_parts_that_it_was_made_of(arn: names.Arn) -> None:
    assert names.parse_arn(str(arn)) == arn


@pytest.mark.parametrize("text", ["order", "", None, 3, "arn:aws:sqs:eu-west-1:order", "urn:aws:sqs:eu-west-1:1:order"])
def test_what_is_no_arn_has_no_parts(text: object) -> None:
    assert names.parse_arn(text) is None


@pytest.mark.parametrize(
    "text", ["arn:aws:sns:eu-west-1:123456789012:order", "arn:aws:sqs:eu-west-1:123456789012:order:more"]
)
def test_the_arn_of_something_else_is_no_queue_arn(text: str) -> None:
    assert names.parse_arn(text) is not None
    assert names.parse_queue_arn(text) is None


def test_arns_of_iam_name_no_region() -> None:
    assert PLACE.arn("iam", "role/x") == "arn:aws:iam::123456789012:role/x"
    assert PLACE.queue_arn("order.fifo") == ORDER


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        (ORDER, "order.fifo"),
        ("https://sqs.eu-west-1.amazonaws.com/123456789012/order/", "order"),
        ("http://127.0.0.1:4566/123456789012/order", "order"),
        ("http://127.0.0.1:4566", "127.0.0.1:4566"),
        ("arn:aws:iam::123456789012:policy/path/name", "name"),
        ("order", "order"),
    ],
)
def test_the_name_at_the_end_of_a_reference(reference: str, name: str) -> None:
    assert names.name_in(reference) == name


@given(_part)
def test_the_other_type_of_the_other_type_is_the_type(name: str) -> None:
    for one in (name, f"{name}.fifo"):
        other = names.name_of_other_type(one)
        assert names.is_fifo(other) != names.is_fifo(one)
        assert names.name_of_other_type(other) == one


@pytest.mark.parametrize(
    ("prefix", "key", "kind", "name"),
    [
        ("ecommerce", "order", "backlog", "high-order-queue-depth"),
        ("shop", "order", "backlog", "shop-high-order-queue-depth"),
        ("ecommerce", "order", "retry_storm", "ecommerce-order-queue-retry-storm"),
        ("ecommerce", "dlq-fifo", "not_empty", "ecommerce-dlq-fifo-not-empty"),
    ],
)
def test_names_of_alarms(prefix: str, key: str, kind: str, name: str) -> None:
    assert names.alarm_name(prefix, key, kind) == name


def test_a_fault_is_named_before_the_account_is_asked_for() -> None:
    asked: list[str] = []

    def caller() -> str:
        asked.append("sts")
        return "arn:aws-cn:iam::123456789012:user/somebody"

    def refuse(place: names.Place) -> None:
        raise ValueError(place.region)

    with pytest.raises(ValueError, match="cn-north-1"):
        names.derive_in_account(refuse, region="cn-north-1", caller=caller)
    assert asked == []
    arn = names.derive_in_account(lambda place: place.queue_arn("orders"), region="cn-north-1", caller=caller)
    assert arn == "arn:aws-cn:sqs:cn-north-1:123456789012:orders"


def test_a_caller_without_an_arn_has_no_place() -> None:
    with pytest.raises(ValueError, match="not the ARN of a caller"):
        names.place_of_caller("somebody")
