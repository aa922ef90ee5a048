# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the modules that are about messages, and what a reader is given of them."""

from __future__ import annotations

import importlib

import pytest
import yaml

from ansible_collections.ecommerce.sqs.plugins.doc_fragments.message_filter import ModuleDocFragment
from ansible_collections.ecommerce.sqs.plugins.module_utils._messages.filter import MessageFilter
from ansible_collections.ecommerce.sqs.plugins.module_utils._messages.module import LOOK_MAXIMUM, filter_options
from ansible_collections.ecommerce.sqs.plugins.module_utils._messages.redrive_options import RATE_MAXIMUM

FILTER = yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"]["filter"]["suboptions"]


def document_of(module: str) -> dict[str, dict[str, object]]:
    name = f"ansible_collections.ecommerce.sqs.plugins.modules.{module}"
    document: dict[str, dict[str, object]] = yaml.safe_load(importlib.import_module(name).DOCUMENTATION)
    return document


def test_the_filter_that_is_documented_is_the_one_that_is_taken() -> None:
    taken = filter_options()["options"]
    assert {key: option["type"] for key, option in FILTER.items()} == {key: item["type"] for key, item in taken.items()}
    assert taken.keys() == MessageFilter.__dataclass_fields__.keys()


@pytest.mark.parametrize("module", ["messages", "messages_info", "queue_redrive"])
def test_every_module_with_a_filter_documents_it(module: str) -> None:
    document = document_of(module)
    assert "ecommerce.sqs.message_filter" in document["extends_documentation_fragment"]
    assert "filter" in document["options"]


@pytest.mark.parametrize(
    ("module", "option", "maximum"),
    [("messages_info", "limit", LOOK_MAXIMUM), ("queue_redrive", "max_messages_per_second", RATE_MAXIMUM)],
)
def test_limits_are_documented(module: str, option: str, maximum: int) -> None:
    assert f"1 to {maximum}" in str(document_of(module)["options"][option])
