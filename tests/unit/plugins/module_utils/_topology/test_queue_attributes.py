# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of attributes, and what a reader is given, which has to say the same."""

from __future__ import annotations

import importlib
from typing import Any, get_type_hints

import pytest
import yaml

from ansible_collections.ecommerce.sqs.plugins.doc_fragments.queue_options import ModuleDocFragment
from ansible_collections.ecommerce.sqs.plugins.module_utils._problems import Problems
from ansible_collections.ecommerce.sqs.plugins.module_utils._queues.module import queue_options
from ansible_collections.ecommerce.sqs.plugins.module_utils._topology import queue_attributes as sqs
from ansible_collections.ecommerce.sqs.plugins.module_utils._topology.expand import expand
from ansible_collections.ecommerce.sqs.tests.unit.support import topologies
from ansible_collections.ecommerce.sqs.tests.unit.support.strict_sqs import SETTABLE

ALL = list(sqs.ATTRIBUTES.values())
KEYS = list(sqs.ATTRIBUTES)


def document_of(module: str) -> dict[str, Any]:
    """The documentation that stands in a module's own file."""
    name = f"ansible_collections.ecommerce.sqs.plugins.modules.{module}"
    document: dict[str, Any] = yaml.safe_load(importlib.import_module(name).DOCUMENTATION)
    return document


OPTIONS = {
    "queue": yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"],
    "queues": yaml.safe_load(ModuleDocFragment.LIST)["options"]["queues"]["suboptions"],
}


def text_of(option: dict[str, Any]) -> str:
    description = option["description"]
    return description if isinstance(description, str) else " ".join(description)


@pytest.mark.parametrize("module", OPTIONS)
class TestDocumentation:
    def test_it_is_a_part_of_the_modules(self, module: str) -> None:
        fragment = {"queue": "queue_options", "queues": "queue_options.list"}[module]
        assert f"ecommerce.sqs.{fragment}" in document_of(module)["extends_documentation_fragment"]

    def test_the_options_are_those_that_the_module_takes(self, module: str) -> None:
        assert list(OPTIONS[module]) == list(queue_options())

    def test_other_options_are_named_as_seen_from_the_module(self, module: str) -> None:
        text = " ".join(map(text_of, OPTIONS[module].values()))
        prefix = {"queue": "", "queues": "queues[]."}[module]
        assert f"O({prefix}kms_master_key_id)" in text
        assert f"O({prefix}deduplication_scope=messageGroup)" in text

    @pytest.mark.parametrize("key", queue_options())
    def test_types_and_choices(self, module: str, key: str) -> None:
        given, told = queue_options()[key], OPTIONS[module][key]
        assert (told["type"], told.get("choices")) == (given["type"], given.get("choices"))

    @pytest.mark.parametrize("attribute", ALL, ids=KEYS)
    def test_limits(self, module: str, attribute: sqs.QueueAttribute) -> None:
        text = text_of(OPTIONS[module][attribute.key])
        if attribute.kind == "int":
            assert f"{attribute.minimum} to {attribute.maximum}" in text
            assert attribute.unit in text.lower()
        assert ("FIFO queues only" in text) == attribute.fifo_only

    @pytest.mark.parametrize("attribute", ALL, ids=KEYS)
    def test_defaults_of_a_topology(self, module: str, attribute: sqs.QueueAttribute) -> None:
        text = text_of(OPTIONS[module][attribute.key])
        if attribute.default not in (None, ""):
            default = str(attribute.default).lower() if attribute.kind == "bool" else attribute.default
            shown = f"V({default})" if attribute.kind == "str" else default
            assert f"In a topology by default {shown}" in text
        else:
            assert "by default" not in text.partition("C(max_receive_count)")[0]
        if attribute.dead_letter_default is not None:
            assert f"{attribute.dead_letter_default} for a dead-letter queue" in text

    def test_limits_of_what_is_no_attribute(self, module: str) -> None:
        redrive = text_of(OPTIONS[module]["redrive_policy"])
        assert f"{sqs.RECEIVE_COUNT_MINIMUM} to {sqs.RECEIVE_COUNT_MAXIMUM}" in redrive
        assert f"by default {sqs.DEFAULT_RECEIVE_COUNT}" in redrive
        assert f"up to {sqs.REDRIVE_ALLOW_SOURCES} " in text_of(OPTIONS[module]["redrive_allow_policy"])


@pytest.mark.parametrize("module", ["messages_info", "queue_redrive"])
def test_the_longest_visibility_timeout_is_told(module: str) -> None:
    maximum = sqs.ATTRIBUTES["visibility_timeout"].maximum
    assert f"to {maximum}" in text_of(document_of(module)["options"]["visibility_timeout"])


def test_what_queue_info_says_of_attributes() -> None:
    module = importlib.import_module("ansible_collections.ecommerce.sqs.plugins.modules.queue_info")
    contained = yaml.safe_load(module.RETURN)["queues"]["contains"]
    for key in contained.keys() & sqs.ATTRIBUTES.keys():
        assert contained[key]["type"] == sqs.ATTRIBUTES[key].argument["type"]


def test_the_expanded_queue_has_every_scalar_attribute() -> None:
    assert tuple(get_type_hints(sqs.QueueAttributes)) == sqs.SCALAR_KEYS
    for queue in expand(topologies.default(), region="eu-west-1")["queues"].values():
        assert set(sqs.SCALAR_KEYS) <= set(queue)


def test_every_attribute_that_sqs_lets_one_set_is_in_the_table() -> None:
    # The type of a queue is settled by its name.
    assert sqs.BY_AWS_NAME.keys() == SETTABLE - {"FifoQueue"}


@pytest.mark.parametrize("attribute", ALL, ids=KEYS)
def test_defaults_are_values_that_are_accepted(attribute: sqs.QueueAttribute) -> None:
    problems = Problems()
    for value in (attribute.default, attribute.dead_letter_default, attribute.when_absent):
        if value is not None:
            assert sqs.read_attribute(attribute, value, "x", problems) == value
    assert problems.errors == []


@pytest.mark.parametrize("attribute", [item for item in ALL if item.kind == "int"], ids=lambda item: item.key)
def test_the_limits_themselves_are_accepted_and_their_neighbours_are_not(attribute: sqs.QueueAttribute) -> None:
    def faults(value: int) -> list[str]:
        problems = Problems()
        sqs.read_attribute(attribute, value, "x", problems)
        return problems.errors

    unit = f" {attribute.unit}" if attribute.unit else ""
    assert faults(attribute.minimum) == faults(attribute.maximum) == []
    assert faults(attribute.minimum - 1) == [f"x: {attribute.minimum - 1} is below {attribute.minimum}{unit}"]
    assert faults(attribute.maximum + 1) == [f"x: {attribute.maximum + 1} is above {attribute.maximum}{unit}"]


@pytest.mark.parametrize("attribute", [item for item in ALL if item.kind != "json"], ids=lambda item: item.key)
def test_what_was_written_is_read_back(attribute: sqs.QueueAttribute) -> None:
    value = {"int": attribute.maximum, "bool": True, "str": (attribute.choices or ("alias/k",))[0]}[attribute.kind]
    assert sqs.from_aws(sqs.to_aws({attribute.key: value}))[attribute.key] == value


def _policy(**parts: Any) -> dict[str, Any]:
    return {"Statement": [{"Sid": "", **parts}]}


def test_a_policy_of_the_largest_size_is_accepted_and_a_larger_one_is_not() -> None:
    room = sqs.POLICY_BYTES - len('{"Statement":[{"Sid":""}]}')
    assert sqs.policy_faults(_policy(Sid="x" * room)) == []
    assert sqs.policy_faults(_policy(Sid="x" * (room + 1))) == [f"has {sqs.POLICY_BYTES + 1} bytes, above SQS's 8192"]
    statements = [{"Sid": str(number)} for number in range(21)]
    assert sqs.policy_faults({"Statement": statements[:20]}) == []
    assert sqs.policy_faults({"Statement": statements}) == ["has 21 statements, above SQS's 20"]


def read(key: str, value: object) -> tuple[Any, list[str]]:
    problems = Problems()
    return sqs.read_attribute(sqs.ATTRIBUTES[key], value, "x", problems), problems.errors


@pytest.mark.parametrize(
    ("key", "value", "read_as"),
    [
        ("visibility_timeout", "30", 30),
        ("sqs_managed_sse_enabled", "yes", True),
        ("sqs_managed_sse_enabled", False, False),
        ("kms_master_key_id", "", ""),
        ("kms_master_key_id", "alias/k", "alias/k"),
        ("deduplication_scope", "messageGroup", "messageGroup"),
        ("policy", {}, {}),
        ("policy", "", {}),
        ("policy", " \n", {}),
        ("policy", '{"Statement": []}', {"Statement": []}),
        ("redrive_policy", {"maxReceiveCount": 3}, {"maxReceiveCount": 3}),
    ],
)
def test_values_as_they_are_read(key: str, value: object, read_as: object) -> None:
    assert read(key, value) == (read_as, [])


@pytest.mark.parametrize(
    ("key", "value", "error"),
    [
        ("visibility_timeout", "soon", "x: 'soon' is not an integer"),
        ("sqs_managed_sse_enabled", 1, "x: 1 is not a boolean"),
        ("kms_master_key_id", 3, "x: 3 is not a string"),
        ("deduplication_scope", "group", "x: 'group' is not one of messageGroup, queue"),
        ("fifo_throughput_limit", ["perQueue"], "x: ['perQueue'] is not a string"),
        ("policy", "{", "x: '{' is not JSON: "),
        ("policy", "[]", "x: [] is not a mapping"),
        ("redrive_policy", 3, "x: 3 is not a mapping"),
        ("policy", {"Statement": [1] * 21}, "x: has 21 statements, above SQS's 20"),
    ],
)
def test_values_that_are_refused(key: str, value: object, error: str) -> None:
    errors = read(key, value)[1]
    assert len(errors) == 1
    assert errors[0].startswith(error)


def test_only_a_policy_has_the_limits_of_one() -> None:
    assert read("redrive_policy", {"Statement": [1] * 21})[1] == []
    assert read("policy", {"Statement": [1] * 20})[1] == []


@pytest.mark.parametrize(("size", "faults"), [(0, 0), (1, 1)])
def test_a_single_statement_is_measured_too(size: int, faults: int) -> None:
    room = sqs.POLICY_BYTES - len('{"Statement":{"Sid":""}}')
    assert len(sqs.policy_faults({"Statement": {"Sid": "x" * (room + size)}})) == faults
    assert sqs.policy_faults({}) == []
    assert len(sqs.policy_faults({"Statement": ["x" * 400] * 21})) == 2


def test_bytes_are_counted_as_they_are_sent() -> None:
    escaped = sqs.POLICY_BYTES // len("\\u00e4")
    assert sqs.policy_faults({"Id": "ä" * (escaped - 2)}) == []
    assert sqs.policy_faults({"Id": "ä" * escaped})


def scalars(fifo: bool = False, **given: Any) -> tuple[dict[str, Any], list[str]]:
    problems = Problems()
    return sqs.read_scalars(given, "x", problems, fifo=fifo), problems.errors


def test_what_is_absent_stays_absent() -> None:
    assert scalars(visibility_timeout=None, policy={}, other=3) == ({}, [])
    assert scalars(visibility_timeout=0, sqs_managed_sse_enabled=False) == (
        {"visibility_timeout": 0, "sqs_managed_sse_enabled": False},
        [],
    )


def test_every_bad_one_is_told_and_left_out() -> None:
    values, errors = scalars(
        visibility_timeout=-1, delay_seconds=3, maximum_message_size="x", deduplication_scope="queue"
    )
    assert values == {"delay_seconds": 3}
    assert [error.split(": ")[0] for error in errors] == [
        "x.visibility_timeout",
        "x.maximum_message_size",
        "x.deduplication_scope",
    ]
    assert "only a FIFO queue has it" in errors[-1]
    assert len(scalars(deduplication_scope="queue", fifo_throughput_limit="perQueue")[1]) == 2
    assert scalars(fifo=True, deduplication_scope="queue") == ({"deduplication_scope": "queue"}, [])


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"kms_master_key_id": "k", "sqs_managed_sse_enabled": True}, "x.sqs_managed_sse_enabled"),
        ({"kms_master_key_id": "k", "sqs_managed_sse_enabled": False}, None),
        ({"kms_master_key_id": "", "sqs_managed_sse_enabled": True}, None),
        ({"kms_master_key_id": "", "kms_data_key_reuse_period_seconds": 60}, "x.kms_data_key_reuse_period_seconds"),
        ({"kms_master_key_id": "k", "kms_data_key_reuse_period_seconds": 60}, None),
        ({"kms_data_key_reuse_period_seconds": 60}, None),
        ({"fifo_throughput_limit": "perMessageGroupId", "deduplication_scope": "queue"}, "x.fifo_throughput_limit"),
        ({"fifo_throughput_limit": "perMessageGroupId", "deduplication_scope": "messageGroup"}, None),
        ({"fifo_throughput_limit": "perMessageGroupId"}, None),
        ({"fifo_throughput_limit": "perQueue", "deduplication_scope": "queue"}, None),
    ],
)
def test_which_go_together(given: dict[str, Any], path: str | None) -> None:
    errors = scalars(fifo=True, **given)[1]
    assert [error.split(": ")[0] for error in errors] == ([path] if path else [])
    others = [key for key in given if f"x.{key}" != path]
    assert all(key in error.partition(": ")[2] for error in errors for key in others)


def test_combinations_are_judged_once_the_values_are_right() -> None:
    given = {"kms_master_key_id": "k", "sqs_managed_sse_enabled": True, "delay_seconds": -1}
    assert [error.split(": ")[0] for error in scalars(**given)[1]] == ["x.delay_seconds"]
    problems = Problems()
    problems.add("before", "another fault")
    sqs.read_scalars({"kms_master_key_id": "k", "sqs_managed_sse_enabled": True}, "x", problems, fifo=False)
    assert len(problems.errors) == 2


@pytest.mark.parametrize(
    ("values", "sent"),
    [
        ({"visibility_timeout": 0}, {"VisibilityTimeout": "0"}),
        ({"sqs_managed_sse_enabled": True}, {"SqsManagedSseEnabled": "true"}),
        ({"content_based_deduplication": False}, {"ContentBasedDeduplication": "false"}),
        ({"kms_master_key_id": ""}, {"KmsMasterKeyId": ""}),
        ({"policy": {}}, {"Policy": ""}),
        ({"policy": {"b": 1, "a": [1, 2]}}, {"Policy": '{"a":[1,2],"b":1}'}),
        ({"redrive_policy": {}}, {"RedrivePolicy": ""}),
        ({"redrive_allow_policy": {}}, {"RedriveAllowPolicy": '{"redrivePermission":"allowAll"}'}),
        (
            {"redrive_allow_policy": {"redrivePermission": "denyAll"}, "delay_seconds": 1},
            {"RedriveAllowPolicy": '{"redrivePermission":"denyAll"}', "DelaySeconds": "1"},
        ),
    ],
)
def test_what_is_sent_to_aws(values: dict[str, Any], sent: dict[str, str]) -> None:
    assert sqs.to_aws(values) == sent


@pytest.mark.parametrize(
    ("sent", "read_as"),
    [
        ({}, {"fifo": False}),
        ({"FifoQueue": "true"}, {"fifo": True}),
        ({"FifoQueue": "True"}, {"fifo": True}),
        ({"FifoQueue": "false"}, {"fifo": False}),
        ({"QueueArn": "arn:x", "Unknown": "1", "VisibilityTimeout": "3"}, {"arn": "arn:x", "visibility_timeout": 3}),
        (
            {
                "ApproximateNumberOfMessages": "1",
                "ApproximateNumberOfMessagesNotVisible": "2",
                "ApproximateNumberOfMessagesDelayed": "3",
                "CreatedTimestamp": "1700000000.9",
                "LastModifiedTimestamp": "1700000001",
            },
            {
                "approximate_number_of_messages": 1,
                "approximate_number_of_messages_not_visible": 2,
                "approximate_number_of_messages_delayed": 3,
                "created_timestamp": 1700000000,
                "last_modified_timestamp": 1700000001,
            },
        ),
        ({"SqsManagedSseEnabled": "True"}, {"sqs_managed_sse_enabled": True}),
        ({"SqsManagedSseEnabled": "false"}, {"sqs_managed_sse_enabled": False}),
        ({"Policy": '{"a": 1}'}, {"policy": {"a": 1}}),
        ({"Policy": " "}, {"policy": {}}),
        ({"Policy": "{"}, {"policy": {"Unparsable": "{"}}),
        ({"Policy": "[1]"}, {"policy": {"Unparsable": "[1]"}}),
        ({"RedrivePolicy": '{"maxReceiveCount": "3"}'}, {"redrive_policy": {"maxReceiveCount": 3}}),
        ({"RedrivePolicy": '{"deadLetterTargetArn": "a"}'}, {"redrive_policy": {"deadLetterTargetArn": "a"}}),
    ],
)
def test_what_aws_answers(sent: dict[str, str], read_as: dict[str, Any]) -> None:
    assert sqs.from_aws(sent) == {"fifo": False, **read_as}


def test_what_sqs_means_where_it_says_nothing() -> None:
    documents = {"policy": {}, "redrive_policy": {}, "redrive_allow_policy": {}}
    plain = {**documents, "kms_master_key_id": "", "kms_data_key_reuse_period_seconds": None}
    assert sqs.effective_attributes({"fifo": False}) == {**plain, "fifo": False}
    assert sqs.effective_attributes({"fifo": True, "deduplication_scope": "messageGroup"}) == {
        **plain,
        "fifo": True,
        "content_based_deduplication": False,
        "deduplication_scope": "messageGroup",
        "fifo_throughput_limit": "perQueue",
    }
    keyed = sqs.effective_attributes({"kms_master_key_id": "k", "sqs_managed_sse_enabled": True})
    assert (keyed["kms_data_key_reuse_period_seconds"], keyed["sqs_managed_sse_enabled"]) == (300, False)
    keyed = sqs.effective_attributes({"kms_master_key_id": "k", "kms_data_key_reuse_period_seconds": 60})
    assert keyed["kms_data_key_reuse_period_seconds"] == 60


def test_what_is_missing_is_not_shared_between_queues() -> None:
    sqs.effective_attributes({})["policy"]["Statement"] = []
    assert sqs.effective_attributes({})["policy"] == {}


def test_defaults_of_each_type_of_queue() -> None:
    plain = {
        "visibility_timeout": 300,
        "message_retention_period": 345600,
        "receive_message_wait_time_seconds": 20,
        "delay_seconds": 0,
        "maximum_message_size": 1048576,
        "kms_master_key_id": "",
    }
    fifo = {
        "content_based_deduplication": True,
        "deduplication_scope": "queue",
        "fifo_throughput_limit": "perQueue",
    }
    assert sqs.topology_defaults(fifo=False) == plain
    assert sqs.topology_defaults(fifo=True) == {**plain, **fifo}
    assert sqs.topology_defaults(fifo=True, dead_letter=True) == {
        **plain,
        **fifo,
        "message_retention_period": 1209600,
    }


@pytest.mark.parametrize(
    ("key", "option"),
    [
        ("delay_seconds", {"type": "int"}),
        ("policy", {"type": "dict"}),
        ("deduplication_scope", {"type": "str", "choices": ["messageGroup", "queue"]}),
        ("kms_master_key_id", {"type": "str", "no_log": False}),
    ],
)
def test_an_attribute_as_an_option_of_a_module(key: str, option: dict[str, Any]) -> None:
    assert sqs.ATTRIBUTES[key].argument == option
