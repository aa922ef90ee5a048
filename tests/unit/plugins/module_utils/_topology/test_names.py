# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ecommerce.sqs.plugins.module_utils._problems import InvalidInputError, Problems
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
    assert any(name.startswith(beginning) for beginning in names.alarm_name_prefixes(prefix))


def test_alarms_of_another_prefix_begin_otherwise() -> None:
    for prefix, other in (("shop", "ecommerce"), ("ecommerce", "shop")):
        name = names.alarm_name(other, "order", "backlog")
        assert not any(name.startswith(beginning) for beginning in names.alarm_name_prefixes(prefix))


def test_a_fault_is_named_before_the_account_is_asked_for() -> None:
    asked: list[str] = []

    def caller() -> str:
        asked.append("sts")
        return "arn:aws-cn:iam::123456789012:user/somebody"

    def refuse(place: names.Place) -> None:
        raise ValueError(place.queue_arn("orders"))

    with pytest.raises(ValueError, match=r"^arn:aws-cn:sqs:cn-north-1:0{12}:orders$"):
        names.derive_in_account(refuse, region="cn-north-1", caller=caller)
    assert asked == []
    arn = names.derive_in_account(lambda place: place.queue_arn("orders"), region="cn-north-1", caller=caller)
    assert arn == "arn:aws-cn:sqs:cn-north-1:123456789012:orders"


def test_the_place_of_a_caller() -> None:
    arn = "arn:aws-cn:sts::123456789012:assumed-role/x/y"
    assert names.place_of_caller(arn, "cn-north-1") == names.Place("cn-north-1", "123456789012", "aws-cn")
    assert names.place_of_caller(arn).arn("sqs", "x") == "arn:aws-cn:sqs::123456789012:x"


def test_a_caller_without_an_arn_has_no_place() -> None:
    with pytest.raises(ValueError, match="'somebody' is not the ARN of a caller"):
        names.place_of_caller("somebody")


@pytest.mark.parametrize(
    ("prefix", "key", "fifo", "name", "variable"),
    [
        ("shop", "order", False, "shop-order-queue", "ORDER_QUEUE_URL"),
        ("shop", "big-order", True, "shop-big-order-queue.fifo", "BIG_ORDER_QUEUE_URL"),
        ("shop", "dlq", False, "shop-dlq", "DLQ_URL"),
        ("shop", "dlq-fifo", True, "shop-dlq.fifo", "DLQ_FIFO_URL"),
    ],
)
def test_names_of_queues(prefix: str, key: str, fifo: bool, name: str, variable: str) -> None:
    assert names.queue_name(prefix, key, fifo=fifo) == name
    assert names.environment_key(key) == variable
    assert names.queue_url("https://sqs.eu-west-1.amazonaws.com/", "1", name) == (
        f"https://sqs.eu-west-1.amazonaws.com/1/{name}"
    )


def test_names_of_what_an_account_gets_for_a_service() -> None:
    assert names.role_name("shop", "order") == "shop-order-role"
    assert names.role_name("shop", "order", shared=True) == "shop-ec2-role"
    assert names.policy_name("shop", "order") == "shop-order-sqs-policy"
    assert names.policy_name("shop", "order", shared=True) == "shop-sqs-policy"
    assert names.instance_profile_name("shop", "order") == "shop-order-instance-profile"
    assert names.shared_instance_profile_name("shop") == "shop-ec2-instance-profile"
    assert names.redrive_role_name("shop") == "shop-redrive-role"
    assert names.redrive_policy_name("shop") == "shop-redrive-policy"


def test_workers_and_scaling_policies_name_their_queue_where_a_service_has_several() -> None:
    assert names.worker_name("order", "payment", of_several=False) == "order-queue-worker"
    assert names.worker_name("order", "payment", of_several=True) == "order-payment-queue-worker"
    assert names.scaling_policy_name("queue_depth", "payment", of_several=False) == "scale-up-on-queue-depth"
    assert names.scaling_policy_name("queue_depth", "payment", of_several=True) == "payment-scale-up-on-queue-depth"
    assert names.scaling_policy_name("", "payment", of_several=False) == "backlog-per-instance"
    assert names.scaling_policy_name("", "payment", of_several=True) == "payment-backlog-per-instance"


@pytest.mark.parametrize("name", ["a", "A-b_9", "a.fifo", "x" * 80, "x" * 75 + ".fifo"])
def test_names_that_sqs_takes(name: str) -> None:
    problems = Problems()
    assert names.check_queue_name(name, "name", problems)
    assert problems.errors == []


@pytest.mark.parametrize(
    ("name", "error"),
    [
        (None, "name: None is not a queue name"),
        (3, "name: 3 is not a queue name"),
        ("", "name: '' is not a queue name"),
        ("a b", "name: 'a b' may hold letters"),
        ("ä", "name: 'ä' may hold letters"),
        ("a.fifo.fifo", "name: 'a.fifo.fifo' may hold letters"),
        (".fifo", "name: '.fifo' may hold letters"),
        ("x" * 81, f"name: {'x' * 81!r} is 81 characters, above 80"),
        ("x" * 76 + ".fifo", "is 81 characters, above 80"),
    ],
)
def test_names_that_sqs_refuses(name: object, error: str) -> None:
    problems = Problems()
    assert not names.check_queue_name(name, "name", problems)
    assert len(problems.errors) == 1
    assert error[:60] in problems.errors[0]


@pytest.mark.parametrize(
    ("region", "partition", "suffix"),
    [
        ("eu-west-1", "aws", "amazonaws.com"),
        ("cn-north-1", "aws-cn", "amazonaws.com.cn"),
        ("us-gov-west-1", "aws-us-gov", "amazonaws.com"),
        ("us-isob-east-1", "aws-iso-b", "amazonaws.com"),
        ("us-isof-south-1", "aws-iso-f", "amazonaws.com"),
        ("us-iso-east-1", "aws-iso", "amazonaws.com"),
        ("eu-isoe-west-1", "aws-iso-e", "amazonaws.com"),
        ("eusc-de-east-1", "aws-eusc", "amazonaws.com"),
    ],
)
def test_partitions_and_their_domains(region: str, partition: str, suffix: str) -> None:
    assert names.partition_of(region) == partition
    assert names.dns_suffix(partition) == suffix
    assert names.check_place(region, "123456789012", partition) == "123456789012"


@pytest.mark.parametrize("account", [None, ""])
def test_a_place_may_lack_its_account(account: object) -> None:
    assert names.check_place("eu-west-1", account) is None


def test_an_account_may_come_as_a_number() -> None:
    assert names.check_place("eu-west-1", 123456789012) == "123456789012"


@pytest.mark.parametrize(
    ("region", "account", "partition", "faults"),
    [
        ("moon", None, None, ["region: 'moon' is"]),
        (None, None, None, ["region: None is"]),
        ("eu-west-1", "12345678901", None, ["account_id: '12345678901' is"]),
        ("eu-west-1", "1234567890123", None, ["account_id: '1234567890123' is"]),
        ("eu-west-1", "12345678901x", None, ["account_id: '12345678901x' is"]),
        ("eu-west-1", True, None, ["account_id: True is"]),
        ("eu-west-1", None, "azure", ["partition: 'azure' is"]),
        ("eu-west-1", None, 3, ["partition: 3 is"]),
        ("x", "x", "x", ["region: 'x' is", "partition: 'x' is", "account_id: 'x' is"]),
    ],
)
def test_places_that_cannot_be(region: object, account: object, partition: object, faults: list[str]) -> None:
    with pytest.raises(InvalidInputError) as caught:
        names.check_place(region, account, partition)
    assert [error.partition(" not ")[0] for error in caught.value.errors] == faults
    assert caught.value.subject == "The place of sqs_topology"


def test_the_place_of_an_expanded_topology() -> None:
    expanded = {"region": "eu-west-1", "account_id": "123456789012", "partition": "aws"}
    assert names.place_of(expanded) == PLACE
    with pytest.raises(ValueError, match="account_id"):
        names.place_of({**expanded, "account_id": None})


@pytest.mark.parametrize(
    ("text", "answer"),
    [("arn:x", True), ("arn:aws:sqs:a:b:c", True), ("order", False), (None, False), (["arn:"], False)],
)
def test_what_is_meant_as_an_arn(text: object, answer: bool) -> None:
    assert names.is_arn(text) is answer


def test_the_arn_of_a_queue_in_its_parts() -> None:
    assert names.parse_queue_arn(ORDER) == names.Arn("aws", "sqs", "eu-west-1", "123456789012", "order.fifo")
    assert names.parse_queue_arn("order") is None


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("arn:aws:iam::aws:policy/ReadOnlyAccess", True),
        ("arn:aws-cn:iam::123456789012:policy/path/name", True),
        ("arn:aws:iam::12345678901:policy/name", False),
        ("arn:aws:iam::123456789012:policy/", False),
        ("arn:aws:iam::123456789012:role/name", False),
        ("arn:azure:iam::123456789012:policy/name", False),
        ("arn:aws:iam:eu-west-1:123456789012:policy/name", False),
        ("arn:aws:sqs::123456789012:policy/name", False),
        ("ReadOnlyAccess", False),
    ],
)
def test_arns_of_policies(text: str, is_one: bool) -> None:
    assert names.is_policy_arn(text) is is_one
