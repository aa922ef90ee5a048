# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module file is documentation and a short main(): what it decides and does is in a room of module_utils."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from ansible_collections.ecommerce.sqs.tests.checkout import ROOT

MODULES = sorted((ROOT / "plugins" / "modules").glob("*.py"))
LOGIC = (ast.If, ast.For, ast.While, ast.Try, ast.With, ast.FunctionDef, ast.ClassDef)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_a_module_has_nothing_but_its_documentation_and_a_main_without_logic(path: Path) -> None:
    tree = ast.parse(path.read_text())
    functions = [node for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))]
    assert [node.name for node in functions] == ["main"]
    found = {type(node).__name__ for statement in functions[0].body for node in ast.walk(statement)}
    assert not found & {kind.__name__ for kind in LOGIC}
    imported = {name.split(".")[0] for node in tree.body for name in _names(node)}
    assert imported <= {"__future__", "ansible_collections", "typing", "collections"}, "logic of its own needs more"


def _names(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.ImportFrom):
        return [node.module or ""]
    return [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
