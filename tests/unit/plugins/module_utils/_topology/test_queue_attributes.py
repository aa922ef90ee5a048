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
