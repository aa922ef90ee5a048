# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is written for a queue, what is shown of it, and what is not done unasked."""

from __future__ import annotations

from operator import eq
from typing import Any

import pytest

from ansible_collections.ecommerce.sqs.plugins.module_utils._problems import InvalidInputError
from ansible_collections.ecommerce.sqs.plugins.module_utils._queues.actual import ActualQueue
from ansible_collections.ecommerce.sqs.plugins.module_utils._queues.plan import (
    QueueChange,
    plan_absent,
    plan_present,
)
from ansible_collections.ecommerce.sqs.plugins.module_utils._queues.wanted import WantedQueue

URL = "https://sqs.eu-west-1.amazonaws.com/123456789012/order"
ALLOW_ALL = {"redrivePermission": "allowAll"}


def wanted(name: str = "order", **values: Any) -> WantedQueue:
    own = {key: values.pop(key) for key in ("tags", "purge_tags", "name_of_other_type") if key in values}
    return WantedQueue(
        key=name, name=name, fifo=name.endswith(".fifo"), path=f"queues.{name}", attributes=values, **own
    )


def actual(name: str = "order", *, tags: dict[str, str] | None = None, **attributes: Any) -> dict[str, ActualQueue]:
    attributes = {"fifo": name.endswith(".fifo"), **attributes}
    return {name: ActualQueue(name=name, url=URL, attributes=attributes, tags=tags or {})}


def present(queue: WantedQueue, found: dict[str, ActualQueue] | None = None, **options: Any) -> list[QueueChange]:
    return plan_present([queue], found or {}, same_policy=eq, **options)


def written(queue: WantedQueue, found: dict[str, ActualQueue], **options: Any) -> dict[str, Any]:
    """The attributes that are written to an existing queue."""
    changes = present(queue, found, **options)
    assert len(changes) <= 1
    return changes[0].attributes if changes else {}


def refused(queue: WantedQueue, found: dict[str, ActualQueue], **options: Any) -> list[str]:
    with pytest.raises(InvalidInputError) as caught:
        present(queue, found, **options)
    return caught.value.errors


class TestCreate:
    def test_what_is_not_there_is_created_with_all_that_is_wanted(self) -> None:
        (change,) = present(wanted(visibility_timeout=60, delay_seconds=0, tags={"team": "shop"}))
        assert change.action == "create"
        assert change.wanted.name == "order"
        assert change.url is None
        assert change.attributes == {"visibility_timeout": 60, "delay_seconds": 0}
        assert (change.set_tags, change.remove_tags) == ({"team": "shop"}, [])
        assert change.before == {}
        assert change.after == {"fifo": False, "visibility_timeout": 60, "delay_seconds": 0, "tags": {"team": "shop"}}

    def test_without_tags_none_are_given_and_none_are_shown(self) -> None:
        (change,) = present(wanted(visibility_timeout=60))
        assert change.set_tags == {}
        assert "tags" not in change.after

    def test_what_would_be_removed_is_not_written(self) -> None:
        (change,) = present(wanted(policy={}, redrive_policy={}, kms_master_key_id="", sqs_managed_sse_enabled=True))
        assert change.attributes == {"sqs_managed_sse_enabled": True}

    def test_the_managed_encryption_is_not_named_beside_a_key(self) -> None:
        (change,) = present(wanted(kms_master_key_id="alias/k", sqs_managed_sse_enabled=False))
        assert change.attributes == {"kms_master_key_id": "alias/k"}
        (change,) = present(wanted(kms_master_key_id="alias/k"))
        assert change.attributes == {"kms_master_key_id": "alias/k"}

    @pytest.mark.parametrize(("policy", "writes"), [(ALLOW_ALL, False), ({"redrivePermission": "denyAll"}, True)])
    def test_the_default_of_the_redrive_allow_policy_is_not_written(self, policy: dict[str, Any], writes: bool) -> None:
        (change,) = present(wanted(redrive_allow_policy=policy))
        assert change.attributes == ({"redrive_allow_policy": policy} if writes else {})

    def test_another_queue_being_there_changes_nothing(self) -> None:
        (change,) = present(wanted(), actual("payment"), existing_names=["payment"])
        assert (change.action, change.wanted.name) == ("create", "order")

    def test_changes_come_in_the_order_given(self) -> None:
        names = [change.wanted.name for change in plan_present([wanted("b"), wanted("a")], {}, same_policy=eq)]
        assert names == ["b", "a"]


class TestType:
    @pytest.mark.parametrize(
        ("name", "other", "said"),
        [
            ("order", "order.fifo", "order.fifo exists as a FIFO queue"),
            ("order.fifo", "order", "order exists as a standard queue"),
        ],
    )
    def test_a_queue_of_the_other_type_is_in_the_way(self, name: str, other: str, said: str) -> None:
        queue = wanted(name, name_of_other_type=other)
        (error,) = refused(queue, {}, existing_names=["x", other])
        assert error.startswith(f"queues.{name}: {said}")
        assert f"changed to {'FIFO' if name.endswith('.fifo') else 'standard'};" in error
        assert [change.action for change in present(queue, existing_names=["x"])] == ["create"]

    def test_the_two_dead_letter_queues_stand_side_by_side(self) -> None:
        assert present(wanted("dlq"), existing_names=["dlq.fifo"])

    def test_a_queue_of_this_name_and_the_other_type_is_refused(self) -> None:
        found = {"order": ActualQueue("order", URL, {"fifo": True})}
        (error,) = refused(wanted(visibility_timeout=3), found)
        assert error.startswith("queues.order: order exists as a FIFO queue")

    def test_it_hides_no_other_fault(self) -> None:
        found = {
            "order": ActualQueue("order", URL, {"fifo": True}),
            "payment": ActualQueue("payment", URL, {"fifo": False, "message_retention_period": 200}),
        }
        queues = [wanted("order"), wanted("payment", message_retention_period=100)]
        with pytest.raises(InvalidInputError) as caught:
            plan_present(queues, found, same_policy=eq)
        assert [error.split(":")[0] for error in caught.value.errors] == ["queues.order", "queues.payment"]
        assert str(caught.value).startswith("The change of queues has 2 errors")

    def test_a_queue_that_needs_nothing_does_not_end_the_plan(self) -> None:
        found = {**actual("order", visibility_timeout=3), **actual("payment", visibility_timeout=3)}
        queues = [wanted("order", visibility_timeout=3), wanted("payment", visibility_timeout=4)]
        assert [change.wanted.name for change in plan_present(queues, found, same_policy=eq)] == ["payment"]

    def test_nor_does_one_that_is_created(self) -> None:
        queues = [wanted("new"), wanted("order", visibility_timeout=4)]
        changes = plan_present(queues, actual("order", visibility_timeout=3), same_policy=eq)
        assert [change.action for change in changes] == ["create", "update"]


class TestUpdate:
    def test_only_what_differs_is_written(self) -> None:
        found = actual(visibility_timeout=30, delay_seconds=5, maximum_message_size=2048)
        (change,) = present(wanted(visibility_timeout=60, delay_seconds=5), found)
        assert (change.action, change.url) == ("update", URL)
        assert change.attributes == {"visibility_timeout": 60}
        assert change.before == {"visibility_timeout": 30, "delay_seconds": 5}
        assert change.after == {"visibility_timeout": 60, "delay_seconds": 5}
        assert change.summary() == {
            "name": "order",
            "action": "update",
            "attributes": ["visibility_timeout"],
            "tags": [],
        }
        assert change.diff() == {
            "before_header": "order (update)",
            "after_header": "order (update)",
            "before": change.before,
            "after": change.after,
        }

    def test_nothing_is_done_where_nothing_differs(self) -> None:
        assert (
            present(wanted(visibility_timeout=30, tags={"a": "1"}), actual(visibility_timeout=30, tags={"a": "1"}))
            == []
        )

    def test_what_the_endpoint_does_not_report_is_left_out(self) -> None:
        queue, found = wanted(visibility_timeout=60, delay_seconds=7), actual(visibility_timeout=30, delay_seconds=5)
        (change,) = present(queue, found, unreported=["delay_seconds"])
        assert change.attributes == {"visibility_timeout": 60}
        assert change.before == {"visibility_timeout": 30}
        assert change.after == {"visibility_timeout": 60}

    def test_a_missing_encryption_is_not_compared(self) -> None:
        assert present(wanted(sqs_managed_sse_enabled=True), actual()) == []
        assert written(wanted(sqs_managed_sse_enabled=True), actual(sqs_managed_sse_enabled=False)) == {
            "sqs_managed_sse_enabled": True
        }

    @pytest.mark.parametrize(
        ("attribute", "value"),
        [
            ("kms_master_key_id", ""),
            ("policy", {}),
            ("redrive_policy", {}),
            ("redrive_allow_policy", {}),
            ("redrive_allow_policy", ALLOW_ALL),
        ],
    )
    def test_what_a_queue_does_not_have_is_not_taken_from_it(self, attribute: str, value: object) -> None:
        assert present(wanted(**{attribute: value}), actual()) == []

    @pytest.mark.parametrize(
        ("attribute", "value", "before"),
        [
            ("kms_master_key_id", "", "alias/k"),
            ("policy", {}, {"Statement": []}),
            ("policy", {"Statement": []}, {}),
            ("policy", {"Statement": [1]}, {"Statement": []}),
            ("redrive_policy", {}, {"deadLetterTargetArn": "a", "maxReceiveCount": 3}),
            (
                "redrive_policy",
                {"deadLetterTargetArn": "a", "maxReceiveCount": 3},
                {"deadLetterTargetArn": "a", "maxReceiveCount": 4},
            ),
            ("redrive_allow_policy", {}, {"redrivePermission": "denyAll"}),
            ("redrive_allow_policy", {"redrivePermission": "denyAll"}, {}),
            (
                "redrive_allow_policy",
                {"redrivePermission": "byQueue", "sourceQueueArns": ["a"]},
                {"redrivePermission": "byQueue", "sourceQueueArns": ["a", "b"]},
            ),
        ],
    )
    def test_a_document_that_differs_is_written(self, attribute: str, value: object, before: object) -> None:
        (change,) = present(wanted(**{attribute: value}), actual(**{attribute: before}))
        assert change.attributes == {attribute: value}
        assert change.before[attribute] == before
        assert change.after[attribute] == value

    def test_the_order_of_source_queues_means_nothing(self) -> None:
        one, other = ({"redrivePermission": "byQueue", "sourceQueueArns": arns} for arns in (["a", "b"], ["b", "a"]))
        assert present(wanted(redrive_allow_policy=one), actual(redrive_allow_policy=other)) == []

    def test_policies_are_compared_by_what_they_mean(self) -> None:
        asked: list[Any] = []

        def same(before: Any, after: Any) -> bool:
            asked.append((before, after))
            return True

        found = actual(policy={"Statement": ["a"]})
        assert plan_present([wanted(policy={"Statement": ["b"]})], found, same_policy=same) == []
        assert asked == [({"Statement": ["a"]}, {"Statement": ["b"]})]


class TestRetention:
    def test_less_of_it_needs_a_word(self) -> None:
        queue, found = wanted(message_retention_period=99), actual(message_retention_period=100)
        (error,) = refused(queue, found)
        assert error.startswith("queues.order: message_retention_period would go down from 100 to 99 seconds")
        assert "allow_lower_retention: true" in error
        assert written(queue, found, allow_lower_retention=True) == {"message_retention_period": 99}

    def test_more_of_it_does_not(self) -> None:
        assert written(wanted(message_retention_period=101), actual(message_retention_period=100)) == {
            "message_retention_period": 101
        }

    def test_another_change_does_not_either(self) -> None:
        queue = wanted(message_retention_period=100, delay_seconds=1)
        assert written(queue, actual(message_retention_period=100, delay_seconds=0)) == {"delay_seconds": 1}


class TestKeyPeriod:
    def test_a_period_needs_a_key(self) -> None:
        (error,) = refused(wanted(kms_data_key_reuse_period_seconds=60), actual())
        assert error.startswith("queues.order: kms_data_key_reuse_period_seconds needs a kms_master_key_id")

    def test_the_queues_own_key_will_do(self) -> None:
        period = {"kms_data_key_reuse_period_seconds": 60}
        assert written(wanted(**period), actual(kms_master_key_id="alias/k")) == period

    def test_a_new_key_will_do(self) -> None:
        both = {"kms_data_key_reuse_period_seconds": 60, "kms_master_key_id": "alias/k"}
        assert written(wanted(**both), actual()) == both

    def test_a_key_that_is_taken_away_will_not(self) -> None:
        queue = wanted(kms_data_key_reuse_period_seconds=60, kms_master_key_id="")
        assert refused(queue, actual(kms_master_key_id="alias/k"))

    def test_its_default_is_not_written(self) -> None:
        queue = wanted(kms_data_key_reuse_period_seconds=300)
        assert present(queue, actual(kms_master_key_id="alias/k")) == []


TAGGED = actual(tags={"kept": "1", "changed": "1", "old": "1", "aws:x": "1"})
TAGS = {"new": "2", "changed": "2", "kept": "1"}


class TestTags:
    def test_they_are_made_as_wanted(self) -> None:
        (change,) = present(wanted(tags=TAGS, visibility_timeout=30), TAGGED)
        assert change.set_tags == {"changed": "2", "new": "2"}
        assert change.remove_tags == ["old"]
        assert change.before["tags"] == {"aws:x": "1", "changed": "1", "kept": "1", "old": "1"}
        assert change.after["tags"] == {"aws:x": "1", "changed": "2", "kept": "1", "new": "2"}
        assert list(change.after["tags"]) == ["aws:x", "changed", "kept", "new"]
        assert change.summary()["tags"] == ["changed", "new", "old"]

    def test_others_stay_where_they_are_not_purged(self) -> None:
        (change,) = present(wanted(tags=TAGS, purge_tags=False), TAGGED)
        assert change.remove_tags == []
        assert change.after["tags"]["old"] == "1"

    def test_removing_one_is_a_change_of_its_own(self) -> None:
        (change,) = present(wanted(tags={}), actual(tags={"old": "1"}))
        assert (change.set_tags, change.remove_tags) == ({}, ["old"])
        assert present(wanted(tags={}, purge_tags=False), actual(tags={"old": "1"})) == []

    def test_setting_one_is_a_change_of_its_own(self) -> None:
        (change,) = present(wanted(tags={"new": "1"}), actual())
        assert (change.set_tags, change.remove_tags, change.attributes) == ({"new": "1"}, [], {})

    def test_unspecified_they_are_neither_touched_nor_shown(self) -> None:
        assert present(wanted(), TAGGED) == []
        (change,) = present(wanted(visibility_timeout=60), actual(visibility_timeout=30, tags={"old": "1"}))
        assert (change.set_tags, change.remove_tags) == ({}, [])
        assert "tags" not in change.before
        assert "tags" not in change.after


class TestAbsent:
    def test_what_is_there_is_deleted_and_shown(self) -> None:
        found = actual(visibility_timeout=30, arn="x", tags={"b": "1", "a": "2"})
        (change,) = plan_absent([wanted("gone"), wanted()], found)
        assert (change.action, change.wanted.name, change.url) == ("delete", "order", URL)
        assert change.before == {"fifo": False, "visibility_timeout": 30, "tags": {"a": "2", "b": "1"}}
        assert change.after == {}
        assert (change.attributes, change.set_tags, change.remove_tags) == ({}, {}, [])

    @pytest.mark.parametrize("state", ["", "_not_visible", "_delayed"])
    def test_messages_are_not_lost_unasked(self, state: str) -> None:
        found = actual(**{f"approximate_number_of_messages{state}": 1})
        with pytest.raises(InvalidInputError) as caught:
            plan_absent([wanted()], found)
        (error,) = caught.value.errors
        assert error.startswith("queues.order: order still holds 1 messages")
        assert "allow_message_loss: true" in error
        assert str(caught.value).startswith("The deletion of queues has 1 error")
        assert [change.action for change in plan_absent([wanted()], found, allow_message_loss=True)] == ["delete"]
