# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands once: the limits of queues in their table, the making and parsing of ARNs in the file of names."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from ansible_collections.ecommerce.sqs.plugins.module_utils._topology import queue_attributes as sqs
from ansible_collections.ecommerce.sqs.tests.checkout import ROOT

PLUGINS = ROOT / "plugins"
FILES = {path.relative_to(PLUGINS).as_posix(): ast.parse(path.read_text()) for path in PLUGINS.rglob("*.py")}
TABLE, NAMES, TAGS = (f"module_utils/_topology/{name}.py" for name in ("queue_attributes", "names", "tags"))


def constants(tree: ast.AST) -> Iterator[object]:
    """The constants of a file, without texts that stand alone, as documentation does."""
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in alone)


# Of those limits whose number is nothing else's: a day, for one, is.
@pytest.mark.parametrize(
    "limit",
    [
        sqs.POLICY_BYTES,
        *(
            sqs.ATTRIBUTES[key].maximum
            for key in ("visibility_timeout", "message_retention_period", "maximum_message_size")
        ),
    ],
)
def test_a_limit_of_queues_stands_in_their_table_alone(limit: int) -> None:
    assert [name for name, tree in FILES.items() if limit in constants(tree)] == [TABLE]


def test_tags_are_measured_in_one_place() -> None:
    names = {
        name
        for name, tree in FILES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and node.id.startswith("TAG_")
    }
    assert names == {TAGS}


def test_arns_are_made_and_parsed_by_names_alone() -> None:
    made = [
        (name, value)
        for name, tree in FILES.items()
        for value in constants(tree)
        if isinstance(value, str) and value.startswith("arn:")
    ]
    assert {name for name, _value in made} == {NAMES}, made
    parsed = [
        name
        for name, tree in FILES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"split", "rsplit", "partition", "rpartition"}
        and any(isinstance(argument, ast.Constant) and argument.value == ":" for argument in node.args)
    ]
    assert set(parsed) <= {NAMES}, parsed
