# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.ecommerce.sqs.plugins.module_utils._problems import InvalidInputError
from ansible_collections.ecommerce.sqs.plugins.module_utils._topology.expand import expand
from ansible_collections.ecommerce.sqs.plugins.module_utils._topology.names import partition_of, process
from ansible_collections.ecommerce.sqs.tests.unit.support import topologies

PLACE = {"region": "ap-southeast-1", "account_id": "123456789012"}


def errors_of(topology: object) -> list[str]:
    with pytest.raises(InvalidInputError) as caught:
        expand(topology, **PLACE)
    return caught.value.errors


def changed(**queue: Any) -> dict[str, Any]:
    """The platform's topology with attributes of its order queue changed."""
    topology = topologies.default()
    topology["queues"]["order"].update(queue)
    return topology


class TestPlatform:
    """The table of queues that the platform has always had, and what is derived from it."""

    expanded = expand(topologies.default(), **PLACE)

    @pytest.mark.parametrize(
        ("key", "name", "row"),
        [
            ("order", "ecommerce-order-queue", (False, 300, 345600, 3, "dlq")),
            ("payment", "ecommerce-payment-queue.fifo", (True, 300, 345600, 3, "dlq-fifo")),
            ("notification", "ecommerce-notification-queue", (False, 60, 345600, 3, "dlq")),
            ("dlq", "ecommerce-dlq", (False, 300, 1209600, None, None)),
            ("dlq-fifo", "ecommerce-dlq.fifo", (True, 300, 1209600, None, None)),
        ],
    )
    def test_queue(self, key: str, name: str, row: tuple[object, ...]) -> None:
        fifo, visibility, retention, receives, target = row
        queue = self.expanded["queues"][key]
        assert queue["name"] == name
        assert queue["arn"] == f"arn:aws:sqs:ap-southeast-1:123456789012:{name}"
        assert queue["fifo"] is fifo
        assert queue["visibility_timeout"] == visibility
        assert queue["message_retention_period"] == retention
        assert queue["max_receive_count"] == receives
        assert queue["dead_letter_queue"] == target
        assert queue["receive_message_wait_time_seconds"] == 20
        assert queue["sqs_managed_sse_enabled"] is True
        assert queue["content_based_deduplication"] is (True if fifo else None)

    def test_dead_letter_queues_stand_first(self) -> None:
        assert list(self.expanded["queues"]) == ["dlq", "dlq-fifo", "order", "payment", "notification"]

    def test_environment_keys(self) -> None:
        assert [queue["env"] for queue in self.expanded["queues"].values()] == [
            "DLQ_URL",
            "DLQ_FIFO_URL",
            "ORDER_QUEUE_URL",
            "PAYMENT_QUEUE_URL",
            "NOTIFICATION_QUEUE_URL",
        ]
        assert self.expanded["services"]["payment"]["env"] == {
            "ORDER_QUEUE_URL": "order",
            "PAYMENT_QUEUE_URL": "payment",
            "NOTIFICATION_QUEUE_URL": "notification",
        }

    def test_producers_and_consumers(self) -> None:
        assert self.expanded["queues"]["payment"]["producers"] == ["payment"]
        assert self.expanded["queues"]["payment"]["consumers"] == ["order"]

    def test_names_of_a_service(self) -> None:
        payment = self.expanded["services"]["payment"]
        assert payment["role_name"] == "ecommerce-payment-role"
        assert payment["policy_name"] == "ecommerce-payment-sqs-policy"
        assert payment["instance_profile_name"] == "ecommerce-payment-instance-profile"

    def test_worker_has_time_to_finish_within_the_visibility_timeout(self) -> None:
        (worker,) = self.expanded["services"]["payment"]["workers"]
        assert (worker["name"], worker["process"]["name"]) == ("payment-queue-worker", "payment-queue-worker")
        assert (worker["queue"], worker["dead_letter_queue"]) == ("order", "dlq")
        assert (worker["deadline"], worker["stop_timeout"]) == (270, 300)


def test_a_service_of_several_queues_has_a_worker_for_each() -> None:
    topology = topologies.default()
    topology["services"]["order"]["consumes"] = ["payment", "notification"]
    workers = expand(topology, **PLACE)["services"]["order"]["workers"]
    assert [worker["name"] for worker in workers] == ["order-payment-queue-worker", "order-notification-queue-worker"]


@pytest.mark.parametrize(
    ("option", "name"), [(True, "ecommerce-ec2-instance-profile"), ("our-profile", "our-profile"), (False, None)]
)
def test_shared_instance_profile(option: object, name: str | None) -> None:
    expanded = expand({**topologies.default(), "shared_instance_profile": option}, **PLACE)
    assert expanded["shared_instance_profile"] == name
    roles = {service["role_name"] for service in expanded["services"].values()}
    assert len(roles) == (1 if name else 3)


def test_without_account_there_are_no_arns() -> None:
    queues = expand(topologies.default(), region="ap-southeast-1")["queues"].values()
    assert {queue["arn"] for queue in queues} == {None}


@pytest.mark.parametrize(
    ("region", "partition"),
    [("eu-central-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov"), ("us-iso-east-1", "aws-iso")],
)
def test_arns_follow_the_partition(region: str, partition: str) -> None:
    assert partition_of(region) == partition
    expanded = expand(topologies.default(), region=region, account_id="123456789012")
    assert str(expanded["queues"]["order"]["arn"]).startswith(f"arn:{partition}:sqs:{region}:")


def test_no_fifo_dead_letter_queue_without_a_fifo_queue() -> None:
    topology = topologies.default()
    topology["queues"]["payment"]["fifo"] = False
    assert "dlq-fifo" not in expand(topology, **PLACE)["queues"]


def test_a_kms_key_replaces_the_managed_encryption() -> None:
    queue = expand(changed(kms_master_key_id="alias/orders"), **PLACE)["queues"]["order"]
    assert (queue["kms_master_key_id"], queue["sqs_managed_sse_enabled"]) == ("alias/orders", False)
    assert queue["kms_data_key_reuse_period_seconds"] == 300


def test_high_throughput_brings_its_deduplication_scope() -> None:
    topology = topologies.default()
    topology["queues"]["payment"]["fifo_throughput_limit"] = "perMessageGroupId"
    assert expand(topology, **PLACE)["queues"]["payment"]["deduplication_scope"] == "messageGroup"


def test_values_that_a_template_turned_into_text_are_accepted() -> None:
    queue = expand(changed(visibility_timeout="120", dead_letter="False"), **PLACE)["queues"]["order"]
    assert (queue["visibility_timeout"], queue["dead_letter_queue"]) == (120, None)


def test_tags_of_a_queue_win_over_those_of_the_topology() -> None:
    topology = {**changed(tags={"team": "orders"}), "tags": {"team": "shop", "stage": 1}}
    assert expand(topology, **PLACE)["queues"]["order"]["tags"] == {"team": "orders", "stage": "1"}


@pytest.mark.parametrize(
    ("queue", "error"),
    [
        ({"visibility_timeout": 50000}, "queues.order.visibility_timeout: 50000 is above 43200 seconds"),
        ({"message_retention_period": 59}, "queues.order.message_retention_period: 59 is below 60 seconds"),
        ({"max_receive_count": 0}, "queues.order.max_receive_count: 0 is below 1"),
        ({"visibilty_timeout": 5}, "queues.order.visibilty_timeout: unknown key; did you mean visibility_timeout?"),
        (
            {"handler_deadline": 300},
            "queues.order.handler_deadline: 300 is not below the visibility timeout of 300 seconds",
        ),
        (
            {"deduplication_scope": "queue"},
            "queues.order.deduplication_scope: only a FIFO queue has it; set fifo: true or remove it",
        ),
        (
            {"kms_master_key_id": "alias/k", "sqs_managed_sse_enabled": True},
            "queues.order.sqs_managed_sse_enabled: true excludes kms_master_key_id; "
            "a queue has one type of server-side encryption",
        ),
        (
            {"kms_data_key_reuse_period_seconds": 300},
            "queues.order.kms_data_key_reuse_period_seconds: needs a kms_master_key_id",
        ),
        (
            {"fifo": True, "fifo_throughput_limit": "perMessageGroupId", "deduplication_scope": "queue"},
            "queues.order.fifo_throughput_limit: perMessageGroupId needs deduplication_scope: messageGroup",
        ),
        (
            {"tags": {"aws:team": "x"}},
            "queues.order.tags.aws:team: keys that begin with aws: are reserved by AWS",
        ),
    ],
)
def test_bad_queue(queue: dict[str, Any], error: str) -> None:
    assert errors_of(changed(**queue)) == [error]


def test_all_errors_at_once() -> None:
    topology = topologies.default()
    topology["queues"]["order"]["visibility_timeout"] = 50000
    topology["queues"]["payment"]["delay_seconds"] = "soon"
    topology["services"]["payment"]["consumes"] = ["orders"]
    topology["services"]["order"]["consumes"] = []
    errors = errors_of(topology)
    assert [error.split(":")[0] for error in errors] == [
        "queues.order.visibility_timeout",
        "queues.payment.delay_seconds",
        "services.payment.consumes[0]",
        "queues.order",
        "queues.payment",
    ]
    assert "no service consumes it" in errors[-1]


def test_a_name_of_81_characters_is_refused() -> None:
    topology = topologies.default()
    topology["services"] = {"n": {"consumes": list(topology["queues"])}}
    topology["prefix"] = "p" * 57
    topology["queues"]["n" * (80 - 57 - len("--queue"))] = {"external_consumer": True}
    expand(topology, **PLACE)
    topology["queues"]["n" * (81 - 57 - len("--queue"))] = {"external_consumer": True}
    (error,) = errors_of(topology)
    assert error.startswith("queues.nnnn")
    assert error.endswith("is 81 characters, above 80")


def test_a_role_name_of_65_characters_is_refused() -> None:
    topology = topologies.default()
    service = "s" * (64 - len("ecommerce--role"))
    topology["services"][service] = {"produces": ["order"]}
    expand(topology, **PLACE)
    topology["services"][service + "s"] = topology["services"].pop(service)
    (error,) = errors_of(topology)
    assert error.endswith("is 65 characters, above 64")


def test_a_message_must_not_expire_as_soon_as_it_is_dead_lettered() -> None:
    topology = changed(message_retention_period=700000)
    topology["dead_letter_queue"] = {"message_retention_period": 700000}
    (error,) = errors_of(topology)
    assert error.startswith("queues.order.message_retention_period: 700000 is not below the dead-letter queue's 700000")


def test_two_queues_must_not_share_a_variable() -> None:
    topology = topologies.default()
    topology["queues"]["Order"] = {"external_consumer": True}
    (error,) = errors_of(topology)
    assert error.startswith("queues.Order: ORDER_QUEUE_URL would hold the URLs of both order and Order")


@pytest.mark.parametrize("topology", [None, [], "ecommerce", 3, {}])
def test_not_a_topology(topology: object) -> None:
    assert errors_of(topology)


@pytest.mark.parametrize(
    ("place", "path"),
    [
        ({"region": ""}, "region"),
        ({"region": "moon"}, "region"),
        ({"region": "eu-west-1", "account_id": "12"}, "account_id"),
        ({"region": "eu-west-1", "partition": "azure"}, "partition"),
    ],
)
def test_impossible_place(place: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        expand(topologies.default(), **place)
    assert caught.value.errors[0].startswith(f"{path}: ")


@given(topologies.good())
@settings(max_examples=150, deadline=None)
def test_every_good_topology_expands_to_plain_data(topology: dict[str, Any]) -> None:
    expanded = expand(topology, **PLACE)
    assert json.loads(json.dumps(expanded)) == expanded
    assert set(topology["queues"]) == {key for key, queue in expanded["queues"].items() if not queue["dead_letter"]}
    names = [queue["name"] for queue in expanded["queues"].values()]
    assert len(names) == len(set(names))
    assert all(
        len(name) <= 80 and name.endswith(".fifo") == queue["fifo"]
        for name, queue in zip(names, expanded["queues"].values(), strict=True)
    )
    for queue in expanded["queues"].values():
        if queue["dead_letter_queue"]:
            assert expanded["queues"][queue["dead_letter_queue"]]["fifo"] == queue["fifo"]
        assert not (queue["kms_master_key_id"] and queue["sqs_managed_sse_enabled"])
    for service in expanded["services"].values():
        for worker in service["workers"]:
            assert 1 <= worker["deadline"] < expanded["queues"][worker["queue"]]["visibility_timeout"]
            assert worker["stop_timeout"] > worker["deadline"]


@given(topologies.bad())
@settings(max_examples=500, deadline=None)
def test_every_bad_topology_is_refused_with_its_path(case: tuple[object, str]) -> None:
    topology, path = case
    errors = errors_of(topology)
    assert any(error.startswith(path) for error in errors), errors
    assert all(": " in error for error in errors)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda item: st.lists(item) | st.dictionaries(st.text() | st.integers(), item),
    max_leaves=20,
)


@given(
    st.one_of(
        _json,
        st.fixed_dictionaries(
            {"prefix": _json, "queues": _json, "services": _json, "dead_letter_queue": _json, "tags": _json}
        ),
        st.builds(lambda queue: changed(**{"order": queue}) | {"queues": {"order": queue}}, _json),
    )
)
@settings(max_examples=500, deadline=None)
def test_whatever_is_given_the_answer_is_an_expansion_or_a_list_of_errors(topology: object) -> None:
    try:
        expand(topology, **PLACE)
    except InvalidInputError as error:
        assert error.errors


@pytest.mark.parametrize(
    ("timeout", "deadline"), [(2, 1), (3, 1), (40, 20), (59, 29), (60, 30), (61, 31), (300, 270), (43200, 43170)]
)
def test_a_handler_has_what_a_long_poll_and_a_delete_leave_of_the_timeout(timeout: int, deadline: int) -> None:
    expanded = expand(changed(visibility_timeout=timeout, receive_message_wait_time_seconds=3), **PLACE)
    (worker,) = expanded["services"]["payment"]["workers"]
    assert expanded["queues"]["order"]["handler_deadline"] == worker["deadline"] == deadline
    assert worker["stop_timeout"] == deadline + 3 + 10


def test_a_declared_deadline_stands() -> None:
    expanded = expand(changed(handler_deadline=299), **PLACE)
    (worker,) = expanded["services"]["payment"]["workers"]
    assert expanded["queues"]["order"]["handler_deadline"] == worker["deadline"] == 299


def test_a_queue_that_nobody_consumes_has_a_deadline_too() -> None:
    topology = topologies.default()
    topology["queues"]["stock"] = {"external_consumer": True, "visibility_timeout": 0}
    assert expand(topology, **PLACE)["queues"]["stock"]["handler_deadline"] == 1


def test_all_of_a_queue() -> None:
    topology = changed(alarms={"age": False}, external_consumer=True, max_receive_count=7, delay_seconds=1)
    topology["tags"] = {"team": "shop"}
    assert expand(topology, **PLACE)["queues"]["order"] == {
        "key": "order",
        "name": "ecommerce-order-queue",
        "arn": "arn:aws:sqs:ap-southeast-1:123456789012:ecommerce-order-queue",
        "env": "ORDER_QUEUE_URL",
        "fifo": False,
        "dead_letter": False,
        "dead_letter_queue": "dlq",
        "max_receive_count": 7,
        "visibility_timeout": 300,
        "message_retention_period": 345600,
        "receive_message_wait_time_seconds": 20,
        "delay_seconds": 1,
        "maximum_message_size": 1048576,
        "sqs_managed_sse_enabled": True,
        "kms_master_key_id": None,
        "kms_data_key_reuse_period_seconds": None,
        "content_based_deduplication": None,
        "deduplication_scope": None,
        "fifo_throughput_limit": None,
        "handler_deadline": 270,
        "external_consumer": True,
        "tags": {"team": "shop"},
        "alarms": {"age": False},
        "producers": ["order"],
        "consumers": ["payment"],
    }


def test_all_of_a_dead_letter_queue() -> None:
    dlq = expand(topologies.default(), **PLACE)["queues"]["dlq-fifo"]
    assert {key: dlq[key] for key in ("dead_letter", "dead_letter_queue", "max_receive_count", "handler_deadline")} == {
        "dead_letter": True,
        "dead_letter_queue": None,
        "max_receive_count": None,
        "handler_deadline": None,
    }
    assert (dlq["producers"], dlq["consumers"], dlq["tags"], dlq["external_consumer"]) == ([], [], None, False)


def test_all_of_a_service() -> None:
    topology = topologies.default()
    topology["services"]["payment"]["produces"] = ["order", "notification"]
    topology["queues"]["payment"]["external_consumer"] = True
    assert expand(topology, **PLACE)["services"]["payment"] == {
        "name": "payment",
        "process": process("payment-service"),
        "produces": ["order", "notification"],
        "consumes": ["order"],
        "sends_sms": False,
        "role_name": "ecommerce-payment-role",
        "policy_name": "ecommerce-payment-sqs-policy",
        "instance_profile_name": "ecommerce-payment-instance-profile",
        "env": {"ORDER_QUEUE_URL": "order", "NOTIFICATION_QUEUE_URL": "notification"},
        "workers": [
            {
                "name": "payment-queue-worker",
                "process": process("payment-queue-worker"),
                "queue": "order",
                "dead_letter_queue": "dlq",
                "deadline": 270,
                "stop_timeout": 300,
            }
        ],
    }


def test_services_that_share_a_profile_share_its_role_and_policy() -> None:
    services = expand({**topologies.default(), "shared_instance_profile": "ours"}, **PLACE)["services"]
    for service in services.values():
        assert (service["role_name"], service["policy_name"], service["instance_profile_name"]) == (
            "ecommerce-ec2-role",
            "ecommerce-sqs-policy",
            "ours",
        )


def test_a_worker_without_a_dead_letter_queue() -> None:
    topology = changed(dead_letter=False)
    topology["services"]["order"]["consumes"] = ["payment"]
    services = expand(topology, **PLACE)["services"]
    assert services["payment"]["workers"][0]["dead_letter_queue"] is None
    assert services["order"]["workers"][0]["dead_letter_queue"] == "dlq-fifo"


def test_where_a_topology_is() -> None:
    def place(**given: Any) -> tuple[object, ...]:
        expanded = expand(topologies.default(), **given)
        assert (expanded["prefix"], len(expanded["alarms"])) == ("ecommerce", 3 * 6 + 2 * 2)
        arn = expanded["queues"]["dlq"]["arn"]
        return expanded["region"], expanded["account_id"], expanded["partition"], arn

    assert place(region="cn-north-1") == ("cn-north-1", None, "aws-cn", None)
    assert place(region="cn-north-1", partition="aws") == ("cn-north-1", None, "aws", None)
    assert place(region="eu-west-1", account_id="123456789012", partition="aws-x") == (
        "eu-west-1",
        "123456789012",
        "aws-x",
        "arn:aws-x:sqs:eu-west-1:123456789012:ecommerce-dlq",
    )
