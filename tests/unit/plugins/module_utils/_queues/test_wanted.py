# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""Queues as they are wanted, from a topology and from a module's arguments."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.ecommerce.sqs.plugins.module_utils._problems import InvalidInputError
from ansible_collections.ecommerce.sqs.plugins.module_utils._queues.wanted import (
    WantedQueue,
    of_arguments,
    of_topology,
)
from ansible_collections.ecommerce.sqs.plugins.module_utils._topology.names import Place
from ansible_collections.ecommerce.sqs.plugins.module_utils._topology.queue_attributes import topology_defaults
from ansible_collections.ecommerce.sqs.tests.unit.support import topologies

PLACE = Place("eu-west-1", "123456789012", "aws")
ARN = "arn:aws:sqs:eu-west-1:123456789012:"


def read(*queues: dict[str, Any], indexed: bool = True, purge_tags: bool = True) -> list[WantedQueue]:
    return of_arguments(queues, indexed=indexed, purge_tags=purge_tags).at(PLACE)


def attributes(**values: Any) -> dict[str, Any]:
    """The attributes that are wanted of a queue given by these arguments."""
    (queue,) = read({"name": "order", **values})
    return queue.attributes


def errors(*queues: dict[str, Any], indexed: bool = True) -> list[str]:
    with pytest.raises(InvalidInputError) as caught:
        of_arguments(queues, indexed=indexed, purge_tags=True)
    return caught.value.errors


def error(**values: Any) -> str:
    (only,) = errors({"name": "order", **values})
    return only


class TestArguments:
    def test_what_is_not_given_is_not_wanted(self) -> None:
        (queue,) = read({"name": "order", "visibility_timeout": None, "policy": None, "tags": None})
        assert queue == WantedQueue(
            key="order", name="order", fifo=False, path="queues[0]", attributes={}, tags=None, purge_tags=True
        )

    def test_what_is_given_is_wanted(self) -> None:
        wanted = of_arguments(
            [{"name": "order.fifo", "visibility_timeout": "30", "tags": {"a": 1}}], indexed=False, purge_tags=False
        )
        assert wanted.names == ["order.fifo"]
        (queue,) = wanted.at(PLACE)
        assert queue.path == queue.key == "order.fifo"
        assert queue.fifo
        assert queue.attributes == {"visibility_timeout": 30}
        assert queue.tags == {"a": "1"}
        assert not queue.purge_tags

    def test_all_faults_are_told_with_their_paths(self) -> None:
        found = errors(
            {"name": "a b"}, {"name": "order", "visibility_timeout": 43201}, {"name": "order"}, {"name": "x", "tags": 3}
        )
        assert [text.split(":")[0] for text in found] == [
            "queues[0].name",
            "queues[1].visibility_timeout",
            "queues[2].name",
            "queues[3].tags",
        ]
        assert found[2] == "queues[2].name: 'order' is listed twice"

    def test_what_only_a_fifo_queue_has(self) -> None:
        (queue,) = read({"name": "order.fifo", "content_based_deduplication": True})
        assert queue.attributes == {"content_based_deduplication": True}
        assert error(content_based_deduplication=True).startswith("queues[0].content_based_deduplication: ")

    def test_the_one_queue_of_a_module_has_no_index(self) -> None:
        assert errors({"name": None}, indexed=False) == ["name: None is not a queue name"]

    @pytest.mark.parametrize(("indexed", "subject"), [(False, "The queue"), (True, "queues")])
    def test_what_the_faults_are_of(self, indexed: bool, subject: str) -> None:
        with pytest.raises(InvalidInputError) as caught:
            of_arguments([{"name": ""}], indexed=indexed, purge_tags=True)
        assert caught.value.subject == subject

    @pytest.mark.parametrize("fifo", [True, False])
    def test_the_type_goes_with_the_name(self, fifo: bool) -> None:
        right, wrong = ("order.fifo", "order") if fifo else ("order", "order.fifo")
        assert read({"name": right, "fifo": fifo})[0].fifo is fifo
        (text,) = errors({"name": wrong, "fifo": fifo})
        assert text.startswith(f"queues[0].fifo: {str(fifo).lower()} does not go with the name '{wrong}'")

    def test_one_type_of_encryption_excludes_the_other(self) -> None:
        assert attributes(kms_master_key_id="alias/k") == {
            "kms_master_key_id": "alias/k",
            "sqs_managed_sse_enabled": False,
        }
        assert attributes(sqs_managed_sse_enabled=True) == {"sqs_managed_sse_enabled": True, "kms_master_key_id": ""}
        assert attributes(sqs_managed_sse_enabled=False) == {"sqs_managed_sse_enabled": False}
        assert attributes(kms_master_key_id="") == {"kms_master_key_id": ""}

    def test_a_policy_may_be_a_mapping_or_text_and_an_empty_one_removes_it(self) -> None:
        policy = {"policy": {"Statement": ["x"]}}
        assert attributes(**policy) == attributes(policy='{"Statement": ["x"]}') == policy
        assert attributes(policy={}) == attributes(policy=" ") == {"policy": {}}
        assert error(policy="{").startswith("queues[0].policy: '{' is not JSON")


class TestRedrive:
    def test_a_queue_is_named_or_given_by_its_arn(self) -> None:
        expected = {"redrive_policy": {"deadLetterTargetArn": ARN + "dlq", "maxReceiveCount": 10}}
        assert attributes(redrive_policy={"dead_letter_queue": "dlq"}) == expected
        assert attributes(redrive_policy={"dead_letter_queue": ARN + "dlq", "max_receive_count": None}) == expected

    @pytest.mark.parametrize("count", [1, 1000])
    def test_the_limits_of_the_receive_count_are_accepted(self, count: int) -> None:
        policy = attributes(redrive_policy={"dead_letter_queue": "dlq", "max_receive_count": count})["redrive_policy"]
        assert policy["maxReceiveCount"] == count

    @pytest.mark.parametrize(("count", "said"), [(0, "0 is below 1"), (1001, "1001 is above 1000")])
    def test_what_is_beyond_them_is_not(self, count: int, said: str) -> None:
        text = error(redrive_policy={"dead_letter_queue": "dlq", "max_receive_count": count})
        assert text == f"queues[0].redrive_policy.max_receive_count: {said}"

    def test_an_empty_one_removes_it(self) -> None:
        assert attributes(redrive_policy={}) == {"redrive_policy": {}}
        assert attributes(redrive_policy={"dead_letter_queue": None}) == {"redrive_policy": {}}

    def test_a_target_is_needed(self) -> None:
        assert error(redrive_policy={"max_receive_count": 3}).startswith("queues[0].redrive_policy.dead_letter_queue: ")

    def test_no_other_key_is_taken(self) -> None:
        text = error(redrive_policy={"dead_letter_queue": "dlq", "max_recieve_count": 3})
        assert text.startswith("queues[0].redrive_policy.max_recieve_count: unknown key")

    @pytest.mark.parametrize("name", ["order", "order.fifo"])
    def test_the_types_of_both_are_the_same(self, name: str) -> None:
        kind, suffix = ("a FIFO queue", ".fifo") if name.endswith(".fifo") else ("a standard queue", "")
        other = "" if suffix else ".fifo"
        assert read({"name": name, "redrive_policy": {"dead_letter_queue": f"dlq{suffix}"}})
        (text,) = errors({"name": name, "redrive_policy": {"dead_letter_queue": f"dlq{other}"}})
        assert text.startswith("queues[0].redrive_policy.dead_letter_queue: ")
        assert text.count(kind) == 2

    @pytest.mark.parametrize("target", ["arn:aws:sns:eu-west-1:123456789012:dlq", "a b"])
    def test_what_is_no_queue_is_refused(self, target: str) -> None:
        text = error(redrive_policy={"dead_letter_queue": target})
        assert text.startswith(f"queues[0].redrive_policy.dead_letter_queue: '{target}'")

    def test_the_target_of_another_is_known_as_such(self) -> None:
        queues = read({"name": "order", "redrive_policy": {"dead_letter_queue": "dlq"}}, {"name": "dlq"}, {"name": "x"})
        assert [queue.is_target for queue in queues] == [False, True, False]

    @pytest.mark.parametrize("key", ["redrive_policy", "redrive_allow_policy"])
    def test_it_is_a_mapping(self, key: str) -> None:
        assert error(**{key: 3}) == f"queues[0].{key}: 3 is not a mapping"


class TestRedriveAllow:
    def sources(self, count: int) -> list[str]:
        return [f"q{number:02}" for number in range(count)]

    @pytest.mark.parametrize("permission", ["allowAll", "denyAll"])
    def test_a_permission_alone(self, permission: str) -> None:
        found = attributes(redrive_allow_policy={"permission": permission})
        assert found == {"redrive_allow_policy": {"redrivePermission": permission}}
        text = error(redrive_allow_policy={"permission": permission, "source_queues": ["a"]})
        assert text == "queues[0].redrive_allow_policy.source_queues: only permission: byQueue takes it"

    def test_source_queues_alone_mean_by_queue(self) -> None:
        assert attributes(redrive_allow_policy={"source_queues": ["b", ARN + "a"]}) == {
            "redrive_allow_policy": {"redrivePermission": "byQueue", "sourceQueueArns": [ARN + "a", ARN + "b"]}
        }

    @pytest.mark.parametrize("given", [{"source_queues": []}, {"permission": "allowAll"}])
    def test_none_of_them_mean_all(self, given: dict[str, Any]) -> None:
        assert attributes(redrive_allow_policy=given)["redrive_allow_policy"] == {"redrivePermission": "allowAll"}

    def test_an_empty_one_removes_it(self) -> None:
        assert attributes(redrive_allow_policy={})["redrive_allow_policy"] == {}
        assert attributes(redrive_allow_policy={"permission": None})["redrive_allow_policy"] == {}

    def test_ten_source_queues_are_accepted_and_eleven_are_not(self) -> None:
        found = attributes(redrive_allow_policy={"source_queues": self.sources(10)})["redrive_allow_policy"]
        assert found["sourceQueueArns"] == [ARN + name for name in self.sources(10)]
        text = error(redrive_allow_policy={"source_queues": self.sources(11)})
        assert text == "queues[0].redrive_allow_policy.source_queues: 11 is above 10; use permission: allowAll"

    @pytest.mark.parametrize("sources", [None, [], "a", {"a": 1}])
    def test_by_queue_needs_a_list_of_them(self, sources: object) -> None:
        text = error(redrive_allow_policy={"permission": "byQueue", "source_queues": sources})
        assert text == "queues[0].redrive_allow_policy.source_queues: permission: byQueue needs a list of source queues"

    def test_a_bad_source_is_named_by_its_place(self) -> None:
        text = error(redrive_allow_policy={"source_queues": ["a", "b c"]})
        assert text.startswith("queues[0].redrive_allow_policy.source_queues[1]: 'b c'")

    def test_another_permission_is_refused(self) -> None:
        text = error(redrive_allow_policy={"permission": "some"})
        assert text.startswith("queues[0].redrive_allow_policy.permission: 'some' is not one of allowAll, denyAll")

    def test_no_other_key_is_taken(self) -> None:
        text = error(redrive_allow_policy={"permission": "allowAll", "sources": []})
        assert text.startswith("queues[0].redrive_allow_policy.sources: unknown key")


class TestTopology:
    def queues(self, topology: dict[str, Any] | None = None, **options: Any) -> dict[str, WantedQueue]:
        given = {"region": PLACE.region, "account_id": None, "purge_tags": True, **options}
        wanted = of_topology(topology or topologies.default(), **given)
        found = wanted.at(PLACE)
        assert wanted.names == [queue.name for queue in found]
        return {queue.key: queue for queue in found}

    def test_each_queue_is_wanted_in_full(self) -> None:
        queue = self.queues()["payment"]
        assert (queue.name, queue.fifo, queue.path) == ("ecommerce-payment-queue.fifo", True, "queues.payment")
        assert (queue.purge_tags, queue.tags, queue.is_target) == (True, None, False)
        assert queue.name_of_other_type == "ecommerce-payment-queue"
        policy = queue.attributes.pop("policy")
        assert policy["Statement"][0]["Resource"] == ARN + "ecommerce-payment-queue.fifo"  # type: ignore[index,call-overload]
        assert queue.attributes == {
            **topology_defaults(fifo=True),
            "sqs_managed_sse_enabled": True,
            "redrive_policy": {"deadLetterTargetArn": ARN + "ecommerce-dlq.fifo", "maxReceiveCount": 3},
            "redrive_allow_policy": {},
        }

    def test_tags_are_those_of_the_topology(self) -> None:
        topology = {**topologies.default(), "tags": {"team": "shop"}}
        tags = [queue.tags for queue in self.queues(topology).values()]
        assert tags == [{"team": "shop"}] * 5

    def test_what_a_topology_says_besides_is_at_hand(self) -> None:
        wanted = of_topology(topologies.default(), region=PLACE.region, account_id=None, purge_tags=True)
        assert wanted.derived["order"]["handler_deadline"] == 270
        assert of_arguments([{"name": "x"}], indexed=True, purge_tags=True).derived == {}

    def test_a_dead_letter_queue_takes_from_its_sources_alone(self) -> None:
        dlq = self.queues(purge_tags=False)["dlq"]
        assert (dlq.path, dlq.is_target, dlq.name_of_other_type, dlq.purge_tags) == (
            "dead_letter_queue",
            True,
            None,
            False,
        )
        assert dlq.attributes["redrive_policy"] == {}
        assert dlq.attributes["redrive_allow_policy"] == {
            "redrivePermission": "byQueue",
            "sourceQueueArns": [ARN + "ecommerce-notification-queue", ARN + "ecommerce-order-queue"],
        }

    def test_it_takes_from_all_where_there_are_more_than_ten(self) -> None:
        topology = topologies.default()
        for number in range(8):
            topology["queues"][f"q{number}"] = {"external_consumer": True}
        allow = self.queues(topology)["dlq"].attributes["redrive_allow_policy"]
        assert len(allow["sourceQueueArns"]) == 10  # type: ignore[arg-type,index,call-overload]
        topology["queues"]["q8"] = {"external_consumer": True}
        assert self.queues(topology)["dlq"].attributes["redrive_allow_policy"] == {"redrivePermission": "allowAll"}

    def test_a_queue_without_dead_letters_has_no_redrive_policy(self) -> None:
        topology = topologies.default()
        topology["queues"]["order"]["dead_letter"] = False
        assert self.queues(topology)["order"].attributes["redrive_policy"] == {}

    def test_every_policy_that_is_too_large_is_named(self) -> None:
        topology = topologies.default()
        for number in range(110):
            produces = {"produces": ["order", "notification"]}
            topology["services"][f"a-service-with-a-long-name-{number:03}"] = produces
        with pytest.raises(InvalidInputError) as caught:
            self.queues(topology)
        assert [text.split(":")[0] for text in caught.value.errors] == ["queues.order", "queues.notification"]
        assert str(caught.value).startswith("sqs_topology has 2 errors")
