# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""A set of queues brought to its state, on an SQS as strict as AWS's: the grid of what changes and how it is run."""

from __future__ import annotations

import json
from contextlib import nullcontext
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.ecommerce.sqs.plugins.module_utils._problems import InvalidInputError
from ansible_collections.ecommerce.sqs.plugins.module_utils._queues.reconcile import common_prefix
from ansible_collections.ecommerce.sqs.tests.unit.support import engines, topologies
from ansible_collections.ecommerce.sqs.tests.unit.support.strict_sqs import StrictSqs


@pytest.fixture
def service() -> StrictSqs:
    return StrictSqs()


@pytest.fixture
def platform(service: StrictSqs) -> StrictSqs:
    engines.apply_topology(service, topologies.default())
    service.forget_calls()
    return service


def order(**changes: Any) -> dict[str, Any]:
    topology = topologies.default()
    topology["queues"]["order"].update(changes)
    return topology


def attributes(service: StrictSqs, name: str = "ecommerce-order-queue") -> dict[str, str]:
    return service.queues[name].attributes


def test_create_makes_the_whole_set_in_three_calls_a_queue(service: StrictSqs) -> None:
    outcome = engines.apply_topology(service, topologies.default())
    assert sorted(service.queues) == sorted(queue["name"] for queue in outcome.queues.values())
    assert [change.action for change in outcome.changes] == ["create"] * 5
    assert service.counts()["CreateQueue"] == 5
    assert len(service.calls) <= 3 * 5
    redrive = json.loads(attributes(service)["RedrivePolicy"])
    assert redrive == {"deadLetterTargetArn": service.arn("ecommerce-dlq"), "maxReceiveCount": 3}
    allow = json.loads(attributes(service, "ecommerce-dlq")["RedriveAllowPolicy"])
    assert allow["sourceQueueArns"] == [
        service.arn("ecommerce-notification-queue"),
        service.arn("ecommerce-order-queue"),
    ]
    policy = json.loads(attributes(service)["Policy"])
    assert policy["Statement"][0]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert attributes(service)["SqsManagedSseEnabled"] == "true"


def test_create_in_check_mode_shows_all_and_makes_nothing(service: StrictSqs) -> None:
    outcome = engines.apply_topology(service, topologies.default(), check_mode=True)
    assert [change.action for change in outcome.changes] == ["create"] * 5
    assert service.writes() == []
    assert outcome.queues["order"]["url"] == service.url("ecommerce-order-queue")
    assert outcome.changes[2].diff()["before"] == {}
    assert outcome.changes[2].diff()["after"]["visibility_timeout"] == 300


def test_repeated_run_reads_twice_a_queue_and_writes_nothing(platform: StrictSqs) -> None:
    outcome = engines.apply_topology(platform, topologies.default())
    assert outcome.changes == []
    assert platform.writes() == []
    assert len(platform.calls) == 1 + 2 * 5


_MODIFICATIONS = [
    ({"visibility_timeout": 120}, {"VisibilityTimeout": "120"}),
    ({"message_retention_period": 400000}, {"MessageRetentionPeriod": "400000"}),
    ({"receive_message_wait_time_seconds": 0}, {"ReceiveMessageWaitTimeSeconds": "0"}),
    ({"delay_seconds": 900}, {"DelaySeconds": "900"}),
    ({"maximum_message_size": 1024}, {"MaximumMessageSize": "1024"}),
    ({"max_receive_count": 7}, {"RedrivePolicy": '{"deadLetterTargetArn":"ARN","maxReceiveCount":7}'}),
    ({"dead_letter": False}, {"RedrivePolicy": None}),
    ({"kms_master_key_id": "alias/k"}, {"KmsMasterKeyId": "alias/k", "SqsManagedSseEnabled": "false"}),
    ({"sqs_managed_sse_enabled": False}, {"SqsManagedSseEnabled": "false"}),
]


@pytest.mark.parametrize(("change", "expected"), _MODIFICATIONS, ids="-".join)
def test_modify_and_take_back(platform: StrictSqs, change: dict[str, Any], expected: dict[str, str | None]) -> None:
    before = dict(attributes(platform))

    planned = engines.apply_topology(platform, order(**change), check_mode=True)
    assert "ecommerce-order-queue" in [item.wanted.name for item in planned.changes]
    assert platform.writes() == []

    applied = engines.apply_topology(platform, order(**change))
    assert [item.summary() for item in applied.changes] == [item.summary() for item in planned.changes]
    for key, value in expected.items():
        wanted = value and value.replace("ARN", platform.arn("ecommerce-dlq"))
        assert attributes(platform).get(key) == wanted

    platform.forget_calls()
    assert engines.apply_topology(platform, order(**change)).changes == []
    assert platform.writes() == []

    engines.apply_topology(platform, topologies.default(), allow_lower_retention=True)
    assert attributes(platform) == before


def test_only_what_differs_is_written(platform: StrictSqs) -> None:
    engines.apply_topology(platform, order(delay_seconds=5))
    (written,) = [parameters for operation, parameters in platform.calls if operation == "SetQueueAttributes"]
    # The policy goes along: there are endpoints that lose it otherwise.
    assert set(written["Attributes"]) == {"DelaySeconds", "Policy"}


def test_tags_are_set_changed_and_purged(platform: StrictSqs) -> None:
    engines.apply_topology(platform, order(tags={"team": "orders", "stage": "prod"}))
    engines.apply_topology(platform, order(tags={"team": "shop"}))
    assert platform.queues["ecommerce-order-queue"].tags == {"team": "shop"}
    engines.apply_topology(platform, order(tags={}))
    assert platform.queues["ecommerce-order-queue"].tags == {}


def test_a_topology_that_says_nothing_of_tags_leaves_those_of_queues_it_takes_over(platform: StrictSqs) -> None:
    for queue in platform.queues.values():
        queue.tags = {"CostCenter": "42"}
    assert engines.apply_topology(platform, topologies.default()).changes == []
    assert all(queue.tags == {"CostCenter": "42"} for queue in platform.queues.values())


def test_tags_stay_where_purging_is_off_or_none_are_given(platform: StrictSqs) -> None:
    platform.queues["ecommerce-dlq"].tags = {"owner": "ops"}
    engines.apply_queues(platform, [{"name": "ecommerce-dlq", "tags": {"a": "b"}}], purge_tags=False)
    assert platform.queues["ecommerce-dlq"].tags == {"owner": "ops", "a": "b"}
    platform.forget_calls()
    outcome = engines.apply_queues(platform, [{"name": "ecommerce-dlq"}])
    assert outcome.changes == []
    assert outcome.queues["ecommerce-dlq"]["tags"] == {"owner": "ops", "a": "b"}


def test_aws_own_tags_are_not_touched(platform: StrictSqs) -> None:
    platform.queues["ecommerce-dlq"].tags = {"aws:cloudformation:stack-name": "x"}
    assert engines.apply_topology(platform, topologies.default()).changes == []


def test_unset_stays_untouched_and_zero_is_a_value(platform: StrictSqs) -> None:
    before = dict(attributes(platform))
    engines.apply_queues(platform, [{"name": "ecommerce-order-queue", "visibility_timeout": 0}])
    assert attributes(platform) == {**before, "VisibilityTimeout": "0"}


@pytest.mark.parametrize(
    ("empty", "gone"),
    [
        ({"policy": {}}, "Policy"),
        ({"redrive_policy": {}}, "RedrivePolicy"),
        ({"kms_master_key_id": ""}, "KmsMasterKeyId"),
    ],
)
def test_empty_removes(platform: StrictSqs, empty: dict[str, Any], gone: str) -> None:
    engines.apply_topology(platform, order(kms_master_key_id="alias/k"))
    engines.apply_queues(platform, [{"name": "ecommerce-order-queue", **empty}])
    assert gone not in attributes(platform)


def test_the_redrive_allow_policy_goes_back_to_its_default(platform: StrictSqs) -> None:
    engines.apply_queues(platform, [{"name": "ecommerce-dlq", "redrive_allow_policy": {}}])
    assert json.loads(attributes(platform, "ecommerce-dlq")["RedriveAllowPolicy"]) == {"redrivePermission": "allowAll"}
    platform.forget_calls()
    assert engines.apply_queues(platform, [{"name": "ecommerce-dlq", "redrive_allow_policy": {}}]).changes == []


def test_a_policy_that_means_the_same_is_not_written(platform: StrictSqs) -> None:
    policy = json.loads(attributes(platform)["Policy"])
    for statement in policy["Statement"]:
        if isinstance(statement["Action"], list):
            statement["Action"].reverse()
    attributes(platform)["Policy"] = json.dumps(policy, indent=2)
    platform.queues["ecommerce-order-queue"].shown[0][1]["Policy"] = attributes(platform)["Policy"]
    assert engines.apply_topology(platform, topologies.default()).changes == []


def test_more_than_ten_sources_are_allowed_by_allow_all(service: StrictSqs) -> None:
    topology = topologies.default()
    topology["queues"].update({f"extra{index}": {"external_consumer": True} for index in range(9)})
    engines.apply_topology(service, topology)
    assert "RedriveAllowPolicy" not in attributes(service, "ecommerce-dlq")
    assert engines.apply_topology(service, topology).changes == []
    assert json.loads(attributes(service, "ecommerce-dlq.fifo")["RedriveAllowPolicy"])["redrivePermission"] == "byQueue"


def test_delete_sources_first_and_again(platform: StrictSqs) -> None:
    planned = engines.delete_topology(platform, topologies.default(), check_mode=True)
    assert len(planned.changes) == 5
    assert platform.writes() == []
    engines.delete_topology(platform, topologies.default())
    assert platform.queues == {}
    deleted = [
        parameters["QueueUrl"].rsplit("/", 1)[-1]
        for operation, parameters in platform.calls
        if operation == "DeleteQueue"
    ]
    assert {"ecommerce-dlq", "ecommerce-dlq.fifo"} == set(deleted[-2:])
    platform.forget_calls()
    assert engines.delete_topology(platform, topologies.default()).changes == []
    assert platform.writes() == []


def test_a_queue_with_messages_is_not_deleted_unasked(platform: StrictSqs) -> None:
    platform.queues["ecommerce-order-queue"].messages = 4
    with pytest.raises(InvalidInputError, match=r"queues\.order: ecommerce-order-queue still holds 4 messages"):
        engines.delete_topology(platform, topologies.default())
    assert len(platform.queues) == 5
    engines.delete_topology(platform, topologies.default(), allow_message_loss=True)
    assert platform.queues == {}


def test_retention_is_not_lowered_unasked(platform: StrictSqs) -> None:
    lower = order(message_retention_period=60, visibility_timeout=10)
    with pytest.raises(InvalidInputError, match="would go down from 345600 to 60 seconds"):
        engines.apply_topology(platform, lower)
    assert platform.writes() == []
    engines.apply_topology(platform, lower, allow_lower_retention=True)
    assert attributes(platform)["MessageRetentionPeriod"] == "60"


@pytest.mark.parametrize("wanted", [True, False])
def test_the_only_queue_of_a_topology_does_not_change_its_type_either(service: StrictSqs, wanted: bool) -> None:
    def only(fifo: bool) -> dict[str, Any]:
        queue = {"fifo": fifo, "dead_letter": False, "external_consumer": True}
        return {"prefix": "one", "queues": {"x": queue}}

    engines.apply_topology(service, only(not wanted))
    with pytest.raises(InvalidInputError, match="the queue must be replaced"):
        engines.apply_topology(service, only(wanted))


def test_others_of_the_prefix_are_named_and_left_alone(platform: StrictSqs) -> None:
    engines.apply_queues(platform, [{"name": "ecommerce-legacy"}])
    outcome = engines.apply_topology(platform, topologies.default())
    assert outcome.others == ["ecommerce-legacy"]
    assert outcome.changes == []


def die_when_there_are(limit: int, service: StrictSqs, operation: str, _parameters: dict[str, Any]) -> None:
    if operation == "CreateQueue" and len(service.queues) >= limit:
        raise KeyboardInterrupt


def test_a_set_interrupted_anywhere_is_finished_by_the_next_run() -> None:
    complete = StrictSqs()
    engines.apply_topology(complete, topologies.default())
    for survivors in range(6):
        service = StrictSqs()

        def die(
            operation: str, _parameters: dict[str, Any], service: StrictSqs = service, limit: int = survivors
        ) -> None:
            if operation == "CreateQueue" and len(service.queues) >= limit:
                raise KeyboardInterrupt

        service.fault = die
        with pytest.raises(KeyboardInterrupt) if survivors < 5 else nullcontext():
            engines.apply_topology(service, topologies.default())
        service.fault = lambda _operation, _parameters: None
        engines.apply_topology(service, topologies.default())
        assert {name: queue.attributes for name, queue in service.queues.items()} == {
            name: queue.attributes for name, queue in complete.queues.items()
        }


@given(topologies.good(), topologies.good())
@settings(max_examples=40, deadline=None)
def test_any_topology_converges_and_a_second_run_writes_nothing(one: dict[str, Any], two: dict[str, Any]) -> None:
    service = StrictSqs()
    for topology in (one, {**two, "prefix": one["prefix"]}):
        try:
            engines.apply_topology(service, topology, allow_lower_retention=True)
        except InvalidInputError as error:
            assert all("the type of a queue cannot be changed" in fault for fault in error.errors)
            continue
        service.forget_calls()
        assert engines.apply_topology(service, topology).changes == []
        assert service.writes() == []


@given(st.lists(st.text("ab-", max_size=4), max_size=5))
def test_common_prefix(names: list[str]) -> None:
    prefix = common_prefix(names)
    assert all(name.startswith(prefix) for name in names)
    longer = {name[: len(prefix) + 1] for name in names}
    assert len(longer) != 1 or longer == {prefix}
