# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""A topology is read with its defaults, and refused with the path of each fault; each limit itself is accepted."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.ecommerce.sqs.plugins.module_utils._problems import InvalidInputError
from ansible_collections.ecommerce.sqs.plugins.module_utils._topology.read import TopologyInput, read_topology

OUTSIDE = {"external_consumer": True}


def read(**parts: Any) -> TopologyInput:
    """A topology of one queue, which somebody outside consumes."""
    return read_topology({"prefix": "shop", "queues": {"order": OUTSIDE}, **parts})


def errors(**parts: Any) -> list[str]:
    with pytest.raises(InvalidInputError) as caught:
        read(**parts)
    assert caught.value.subject == "sqs_topology"
    return caught.value.errors


def queue(**settings: Any) -> dict[str, Any]:
    return {"queues": {"order": {**OUTSIDE, **settings}}}


def consumed(**settings: Any) -> dict[str, Any]:
    return {"queues": {"order": settings}, "services": {"shop": {"consumes": ["order"]}}}


class TestDefaults:
    def test_of_a_topology(self) -> None:
        found = read()
        assert (found.prefix, found.services, found.shared_instance_profile) == ("shop", {}, None)
        assert list(found.queues) == ["order"]
        assert list(found.dead_letter_queues) == ["dlq"]

    def test_of_a_queue(self) -> None:
        order = read().queues["order"]
        assert (order.key, order.fifo, order.tags, order.alarms) == ("order", False, None, {})
        assert (order.dead_letter, order.max_receive_count, order.handler_deadline) == (True, 3, None)
        assert order.external_consumer
        assert order.attributes == {
            "visibility_timeout": 300,
            "message_retention_period": 345600,
            "receive_message_wait_time_seconds": 20,
            "delay_seconds": 0,
            "maximum_message_size": 1048576,
            "kms_master_key_id": "",
            "sqs_managed_sse_enabled": True,
        }

    def test_of_a_fifo_queue(self) -> None:
        found = read(**queue(fifo=True))
        order, dlq = found.queues["order"], found.dead_letter_queues["dlq-fifo"]
        for each in (order, dlq):
            assert each.fifo
            assert each.attributes["content_based_deduplication"] is True
            assert each.attributes["deduplication_scope"] == "queue"
            assert each.attributes["fifo_throughput_limit"] == "perQueue"

    def test_of_a_dead_letter_queue(self) -> None:
        dlq = read().dead_letter_queues["dlq"]
        assert (dlq.key, dlq.fifo, dlq.tags, dlq.dead_letter, dlq.external_consumer) == (
            "dlq",
            False,
            None,
            False,
            False,
        )
        assert dlq.attributes["message_retention_period"] == 1209600
        assert dlq.attributes["visibility_timeout"] == 300
        assert "deduplication_scope" not in dlq.attributes

    def test_of_a_service(self) -> None:
        shop = read(services={"shop": {"sends_sms": True}}).services["shop"]
        assert (shop.name, shop.produces, shop.consumes, shop.sends_sms) == ("shop", [], [], True)
        assert not read(services={"shop": {"produces": ["order"]}}).services["shop"].sends_sms

    def test_what_is_none_is_not_given(self) -> None:
        nothing = dict.fromkeys(("alarms", "services", "dead_letter_queue", "tags", "shared_instance_profile"))
        assert read(**nothing) == read()
        settings = dict.fromkeys(("alarms", "dead_letter", "fifo", "handler_deadline", "max_receive_count", "tags"))
        assert read(**queue(**settings)) == read()


class TestParts:
    @pytest.mark.parametrize("value", [None, 3, "shop", []])
    def test_a_topology_is_a_mapping(self, value: object) -> None:
        with pytest.raises(InvalidInputError) as caught:
            read_topology(value)
        (error,) = caught.value.errors
        assert error.endswith(" is not a mapping")
        assert caught.value.subject == "sqs_topology"

    @pytest.mark.parametrize("part", ["queues", "services", "dead_letter_queue", "tags", "alarms"])
    def test_so_is_each_part_of_it(self, part: str) -> None:
        assert errors(**{part: 3}) == [f"{part}: 3 is not a mapping"]

    @pytest.mark.parametrize(
        ("parts", "path"),
        [
            ({"queue": {}}, "queue"),
            (queue(visibility=3), "queues.order.visibility"),
            ({"services": {"shop": {"sends_sms": True, "queues": []}}}, "services.shop.queues"),
            ({"dead_letter_queue": {"max_receive_count": 3}}, "dead_letter_queue.max_receive_count"),
        ],
    )
    def test_unknown_keys_are_refused_everywhere(self, parts: dict[str, Any], path: str) -> None:
        (error,) = errors(**parts)
        assert error.startswith(f"{path}: unknown key; ")

    def test_all_faults_are_told_at_once(self) -> None:
        found = errors(
            prefix=None,
            tags={"": "x"},
            alarms={"x": True},
            queues={"a b": {}, "dlq": {}, "order": 3, "late": {**OUTSIDE, "dead_letter": "x"}, "lost": {}},
            services={"x y": {}, "shop": 3, "site": {"consumes": "order"}},
            dead_letter_queue={"fifo": True, "tags": {"aws:x": ""}, "alarms": 3, "delay_seconds": 901},
            shared_instance_profile=3,
        )
        assert [error.split(": ")[0] for error in found] == [
            "prefix",
            "tags.",
            "alarms.x",
            "queues.a b",
            "queues.dlq",
            "queues.order",
            "queues.late.dead_letter",
            "services.x y",
            "services.shop",
            "services.shop",
            "services.site.consumes",
            "dead_letter_queue.fifo",
            "dead_letter_queue.tags.aws:x",
            "dead_letter_queue.alarms",
            "dead_letter_queue.delay_seconds",
            "shared_instance_profile",
            "queues.order",
            "queues.lost",
        ]

    @pytest.mark.parametrize("value", [None, {}])
    def test_there_is_a_queue(self, value: object) -> None:
        assert errors(queues=value) == ["queues: is missing or empty; declare at least one queue"]

    @pytest.mark.parametrize("key", ["a", "A-b_9"])
    def test_keys_and_prefixes_begin_with_a_letter(self, key: str) -> None:
        assert list(read(queues={key: OUTSIDE}).queues) == [key]
        assert list(read(services={key: {"produces": ["order"]}}).services) == [key]
        assert read(prefix=key).prefix == key

    @pytest.mark.parametrize("key", ["", "9a", "a.b", "a b", "ä", "-a"])
    def test_others_are_refused(self, key: str) -> None:
        assert errors(queues={key: OUTSIDE, "order": OUTSIDE})[0].startswith(f"queues.{key}: the key must be a letter")
        (error,) = errors(services={key: {"produces": ["order"]}})
        assert error.startswith(f"services.{key}: the key must be a letter")
        (error,) = errors(prefix=key)
        assert error.startswith(f"prefix: '{key}' must be a letter")

    def test_a_prefix_is_needed(self) -> None:
        assert errors(prefix=None) == ["prefix: is missing; it begins the name of everything that is made"]
        assert errors(prefix=3)[0].startswith("prefix: 3 must be a letter")

    @pytest.mark.parametrize("key", ["dlq", "dlq-fifo"])
    def test_keys_of_dead_letter_queues_are_reserved(self, key: str) -> None:
        (error,) = errors(queues={key: OUTSIDE, "order": OUTSIDE})
        assert error.startswith(f"queues.{key}: the key is reserved")

    def test_two_queues_have_two_variables(self) -> None:
        (error,) = errors(queues={"a-b": OUTSIDE, "a_b": OUTSIDE, "c": OUTSIDE})
        assert error.startswith("queues.a_b: A_B_QUEUE_URL would hold the URLs of both a-b and a_b")


class TestQueue:
    @pytest.mark.parametrize("count", [1, 1000])
    def test_the_limits_of_the_receive_count(self, count: int) -> None:
        assert read(**queue(max_receive_count=count)).queues["order"].max_receive_count == count
        beyond, said = (0, "0 is below 1") if count == 1 else (1001, "1001 is above 1000")
        assert errors(**queue(max_receive_count=beyond)) == [f"queues.order.max_receive_count: {said}"]

    @pytest.mark.parametrize(("deadline", "timeout"), [(1, 2), (43199, 43200), (59, 60)])
    def test_a_handler_ends_before_the_visibility_timeout(self, deadline: int, timeout: int) -> None:
        settings = {"handler_deadline": deadline, "visibility_timeout": timeout}
        assert read(**queue(**settings)).queues["order"].handler_deadline == deadline
        (error,) = errors(**queue(**{**settings, "handler_deadline": timeout}))
        assert error.startswith(f"queues.order.handler_deadline: {timeout} is not below the visibility timeout of")

    @pytest.mark.parametrize(
        ("deadline", "said"), [(0, "0 is below 1 seconds"), (43201, "43201 is above 43200 seconds")]
    )
    def test_a_deadline_has_limits_of_its_own(self, deadline: int, said: str) -> None:
        settings = {"handler_deadline": deadline, "visibility_timeout": 43200}
        assert errors(**queue(**settings)) == [f"queues.order.handler_deadline: {said}"]

    def test_a_consumed_queue_leaves_a_handler_two_seconds(self) -> None:
        assert read(**consumed(visibility_timeout=2))
        for timeout in (0, 1):
            (error,) = errors(**consumed(visibility_timeout=timeout))
            assert error.startswith(f"queues.order.visibility_timeout: {timeout} leaves a handler no time")
        assert read(**queue(visibility_timeout=0))
        assert read(**queue(visibility_timeout=1))

    @pytest.mark.parametrize("key", ["fifo", "dead_letter", "external_consumer"])
    def test_booleans(self, key: str) -> None:
        assert errors(**consumed(**{key: "perhaps"})) == [f"queues.order.{key}: 'perhaps' is not a boolean"]
        assert getattr(read(**consumed(**{key: "no"})).queues["order"], key) is False
        assert getattr(read(**consumed(**{key: "yes"})).queues["order"], key) is True

    def test_somebody_consumes_it(self) -> None:
        assert read(**consumed())
        (error,) = errors(queues={"order": {}}, services={"shop": {"produces": ["order"]}})
        assert error.startswith("queues.order: no service consumes it")

    def test_a_key_brings_its_period_and_takes_the_managed_encryption_off(self) -> None:
        attributes = read(**queue(kms_master_key_id="alias/k")).queues["order"].attributes
        assert attributes["kms_data_key_reuse_period_seconds"] == 300
        assert attributes["sqs_managed_sse_enabled"] is False
        settings = {"kms_master_key_id": "alias/k", "kms_data_key_reuse_period_seconds": 60}
        assert read(**queue(**settings)).queues["order"].attributes["kms_data_key_reuse_period_seconds"] == 60

    def test_encryption_may_be_off(self) -> None:
        attributes = read(**queue(sqs_managed_sse_enabled=False)).queues["order"].attributes
        assert attributes["sqs_managed_sse_enabled"] is False
        assert "kms_data_key_reuse_period_seconds" not in attributes

    @pytest.mark.parametrize("key", [{}, {"kms_master_key_id": ""}])
    def test_a_period_needs_a_key_and_says_so_once(self, key: dict[str, str]) -> None:
        path = "queues.order.kms_data_key_reuse_period_seconds"
        (error,) = errors(**queue(kms_data_key_reuse_period_seconds=60, **key))
        assert error == f"{path}: needs a kms_master_key_id"

    def test_a_period_of_a_bad_key_is_not_blamed(self) -> None:
        found = errors(**queue(kms_data_key_reuse_period_seconds=60, kms_master_key_id=3))
        assert [error.split(": ")[0] for error in found] == ["queues.order.kms_master_key_id"]

    def test_high_throughput_brings_its_scope_unless_one_is_said(self) -> None:
        high = {"fifo": True, "fifo_throughput_limit": "perMessageGroupId"}
        assert read(**queue(**high)).queues["order"].attributes["deduplication_scope"] == "messageGroup"
        scoped = read(**queue(fifo=True, deduplication_scope="messageGroup")).queues["order"]
        assert scoped.attributes["fifo_throughput_limit"] == "perQueue"
        (error,) = errors(**queue(**high, deduplication_scope="queue"))
        assert error.startswith("queues.order.fifo_throughput_limit: ")

    @pytest.mark.parametrize(
        ("fifo", "length"), [(False, 80 - len("shop--queue")), (True, 80 - len("shop--queue.fifo"))]
    )
    def test_a_name_has_at_most_80_characters(self, fifo: bool, length: int) -> None:
        assert read(queues={"q" * length: {**OUTSIDE, "fifo": fifo}})
        (error,) = errors(queues={"q" * (length + 1): {**OUTSIDE, "fifo": fifo}})
        assert error.startswith(f"queues.{'q' * (length + 1)}: ")
        assert error.endswith("is 81 characters, above 80")


class TestRetention:
    def test_a_message_outlives_its_move_to_the_dead_letter_queue(self) -> None:
        dlq = {"dead_letter_queue": {"message_retention_period": 1000}}
        assert read(**queue(message_retention_period=999), **dlq)
        for period in (1000, 1001):
            (error,) = errors(**queue(message_retention_period=period), **dlq)
            assert error.startswith(f"queues.order.message_retention_period: {period} is not below the dead-letter")

    def test_the_longest_may_be_the_same(self) -> None:
        assert read(**queue(message_retention_period=1209600))

    def test_it_does_not_matter_where_none_is_kept(self) -> None:
        dlq = {"dead_letter_queue": {"message_retention_period": 1000}}
        assert read(**queue(message_retention_period=1000, fifo=True), **dlq)
        late = {**OUTSIDE, "message_retention_period": 1000}
        assert read(
            queues={"a": {**OUTSIDE, "message_retention_period": 60}, "b": {**late, "dead_letter": False}}, **dlq
        )

    def test_every_queue_is_looked_at(self) -> None:
        late = {**OUTSIDE, "message_retention_period": 1000}
        found = errors(
            queues={"a": {**late, "fifo": True}, "b": late, "c": late},
            dead_letter_queue={"message_retention_period": 1000},
        )
        assert [error.split(": ")[0] for error in found] == [
            f"queues.{key}.message_retention_period" for key in ("b", "c")
        ]


class TestTags:
    tags = staticmethod(lambda count, letter="k": {f"{letter}{number}": "" for number in range(count)})

    def test_a_queues_own_come_on_top(self) -> None:
        found = read(tags={"a": 1, "b": 1}, **queue(tags={"b": 2}), dead_letter_queue={"tags": {"c": 3}})
        assert found.queues["order"].tags == {"a": "1", "b": "2"}
        assert found.dead_letter_queues["dlq"].tags == {"a": "1", "b": "1", "c": "3"}

    def test_where_a_queue_says_nothing_it_has_those_of_all(self) -> None:
        found = read(tags={"a": 1})
        assert found.queues["order"].tags == found.dead_letter_queues["dlq"].tags == {"a": "1"}
        assert read(tags={}).queues["order"].tags == {}
        assert read(**queue(tags={})).queues["order"].tags == {}

    def test_all_of_them_are_at_most_50(self) -> None:
        assert len(read(tags=self.tags(25), **queue(tags=self.tags(25, "q"))).queues["order"].tags or {}) == 50
        (error,) = errors(tags=self.tags(25), **queue(tags=self.tags(26, "q")))
        assert error == "queues.order.tags: 51 tags with those of the topology is above 50"
        assert errors(**queue(tags=self.tags(51))) == ["queues.order.tags: 51 tags is above 50"]
        assert errors(tags=self.tags(3), **queue(tags=self.tags(51)))[0] == "queues.order.tags: 51 tags is above 50"


class TestDeadLetterQueue:
    def test_only_those_that_are_needed_are_there(self) -> None:
        assert list(read(**queue(fifo=True)).dead_letter_queues) == ["dlq-fifo"]
        assert list(read(**queue(dead_letter=False)).dead_letter_queues) == []
        both = {"a": OUTSIDE, "b": {**OUTSIDE, "fifo": True}}
        assert list(read(queues=both).dead_letter_queues) == ["dlq", "dlq-fifo"]

    def test_both_are_as_declared(self) -> None:
        both = {"a": OUTSIDE, "b": {**OUTSIDE, "fifo": True}}
        given = {"visibility_timeout": 7, "content_based_deduplication": False, "alarms": {"expiring": False}}
        found = read(queues=both, dead_letter_queue=given).dead_letter_queues
        assert [each.attributes["visibility_timeout"] for each in found.values()] == [7, 7]
        assert [each.alarms for each in found.values()] == [{"expiring": False}] * 2
        assert found["dlq-fifo"].attributes["content_based_deduplication"] is False
        assert "content_based_deduplication" not in found["dlq"].attributes

    def test_a_fault_of_both_is_told_once(self) -> None:
        both = {"a": OUTSIDE, "b": {**OUTSIDE, "fifo": True}}
        assert errors(queues=both, dead_letter_queue={"delay_seconds": 901}) == [
            "dead_letter_queue.delay_seconds: 901 is above 900 seconds"
        ]
        (error,) = errors(queues=both, dead_letter_queue={"deduplication_scope": "x"})
        assert error.startswith("dead_letter_queue.deduplication_scope: 'x' is not one of")

    @pytest.mark.parametrize(
        ("key", "value"),
        [
            ("content_based_deduplication", False),
            ("deduplication_scope", "queue"),
            ("fifo_throughput_limit", "perQueue"),
        ],
    )
    def test_what_only_a_fifo_queue_has_needs_one(self, key: str, value: object) -> None:
        given = {"dead_letter_queue": {key: value}}
        assert errors(**given) == [f"dead_letter_queue.{key}: no FIFO dead-letter queue is needed; remove it"]
        assert read(**queue(fifo=True), **given)
        assert read(dead_letter_queue={key: None})

    def test_faults_are_told_where_none_is_needed_too(self) -> None:
        assert errors(**queue(dead_letter=False), dead_letter_queue={"delay_seconds": 901})

    @pytest.mark.parametrize("fifo", [False, True])
    def test_its_name_has_at_most_80_characters(self, fifo: bool) -> None:
        longest = 80 - len("-dlq.fifo" if fifo else "-q-queue")
        prefix = "p" * longest
        if fifo:
            (error, dlq) = errors(prefix=prefix + "p", queues={"q": {**OUTSIDE, "fifo": True}})
            assert dlq.startswith("dead_letter_queue: ")
            assert dlq.endswith("is 81 characters, above 80")
        else:
            assert read(prefix=prefix, queues={"q": OUTSIDE})
            (error,) = errors(prefix=prefix + "p", queues={"q": OUTSIDE})
        assert error.startswith("queues.q: ")


class TestAlarms:
    def test_those_of_a_queue_are_laid_over_those_of_all(self) -> None:
        found = read(
            alarms={"age": False, "backlog": {"threshold": 5}},
            **queue(alarms={"backlog": {"period": 60}}),
            dead_letter_queue={"alarms": {"not_empty": False}},
        )
        assert found.queues["order"].alarms == {"age": False, "backlog": {"threshold": 5.0, "period": 60}}
        assert found.dead_letter_queues["dlq"].alarms == {
            "age": False,
            "backlog": {"threshold": 5.0},
            "not_empty": False,
        }

    def test_each_takes_its_own_kinds(self) -> None:
        (error,) = errors(**queue(alarms={"expiring": False}))
        assert error.startswith("queues.order.alarms.expiring: unknown key")
        (error,) = errors(dead_letter_queue={"alarms": {"backlog": False}})
        assert error.startswith("dead_letter_queue.alarms.backlog: unknown key")


class TestServices:
    def test_both_sides_in_the_order_given(self) -> None:
        both = {"b": OUTSIDE, "a": OUTSIDE}
        shop = read(queues=both, services={"shop": {"produces": ["b", "a"], "consumes": ("a", "b")}}).services["shop"]
        assert (shop.produces, shop.consumes) == (["b", "a"], ["a", "b"])

    @pytest.mark.parametrize("side", ["produces", "consumes"])
    def test_a_side_is_a_list_of_queues(self, side: str) -> None:
        def found(value: object) -> list[str]:
            return errors(
                queues={"order": OUTSIDE, "big": OUTSIDE}, services={"shop": {side: value, "sends_sms": True}}
            )

        path = f"services.shop.{side}"
        assert found("order") == [f"{path}: 'order' is not a list of queues"]
        assert found({"order": 1})[0].startswith(f"{path}: ")
        assert found(["order", 3, "x", "order", "y"]) == [
            f"{path}[1]: 3 is not a string",
            f"{path}[2]: there is no queue 'x'; declared are big, order",
            f"{path}[3]: 'order' is listed twice",
            f"{path}[4]: there is no queue 'y'; declared are big, order",
        ]

    def test_without_queues_none_are_declared(self) -> None:
        for queues in (3, {}, {3: OUTSIDE}):
            found = errors(queues=queues, services={"shop": {"produces": ["order"]}})
            assert "services.shop.produces[0]: there is no queue 'order'; declared are none" in found

    def test_it_does_something(self) -> None:
        for nothing in ({}, None, {"produces": []}, {"sends_sms": False}):
            (error,) = errors(services={"shop": nothing})
            assert error.startswith("services.shop: neither produces nor consumes nor sends_sms")
        for something in ({"produces": ["order"]}, {"consumes": ["order"]}, {"sends_sms": True}):
            assert read(services={"shop": something})

    def test_a_bad_one_hides_no_other(self) -> None:
        found = errors(services={"a b": {}, "shop": {"sends_sms": "x"}, "site": {}})
        assert [error.split(": ")[0] for error in found] == [
            "services.a b",
            "services.shop.sends_sms",
            "services.shop",
            "services.site",
        ]

    def test_the_name_of_its_role_has_at_most_64_characters(self) -> None:
        name = "s" * (64 - len("shop--role"))
        assert read(services={name: {"sends_sms": True}})
        (error,) = errors(services={name + "s": {"sends_sms": True}})
        assert error.startswith(f"services.{name}s: role 'shop-ssss")
        assert error.endswith(" is 65 characters, above 64")


class TestSharedProfile:
    @pytest.mark.parametrize(
        ("given", "name"),
        [
            (None, None),
            (False, None),
            (True, "shop-ec2-instance-profile"),
            ("a_b+c=d,e.f@g-h", "a_b+c=d,e.f@g-h"),
            ("x" * 128, "x" * 128),
        ],
    )
    def test_its_name(self, given: object, name: str | None) -> None:
        assert read(shared_instance_profile=given).shared_instance_profile == name

    @pytest.mark.parametrize("given", ["", "a b", "ä", "x" * 129, 3, []])
    def test_what_is_no_name(self, given: object) -> None:
        (error,) = errors(shared_instance_profile=given)
        assert error.startswith("shared_instance_profile: ")
        assert error.endswith("is neither a boolean nor an instance profile's name")
