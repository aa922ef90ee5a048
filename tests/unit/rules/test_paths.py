# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests find the checkout by its galaxy.yml, and what is beside them by their own folder: moving one breaks no path."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from ansible_collections.ecommerce.sqs.tests.checkout import ROOT


def is_python(path: Path) -> bool:
    if path.suffix:
        return path.suffix == ".py"
    return path.is_file() and path.open("rb").readline().startswith(b"#!/usr/bin/env python")


def counts(node: ast.AST) -> bool:
    """Whether an expression takes a parent of a parent, or one by its number."""
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Attribute):
        return node.value.attr == "parents"
    inner = node.value if isinstance(node, ast.Attribute) and node.attr == "parent" else None
    return isinstance(inner, ast.Attribute) and inner.attr == "parent"


def files() -> list[Path]:
    found = [path for folder in ("tests", "extensions") for path in (ROOT / folder).rglob("*") if is_python(path)]
    return [path for path in found if "node_modules" not in path.parts]


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_test_reaches_for_a_path_by_counting_parents(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert [node.lineno for node in ast.walk(tree) if isinstance(node, ast.expr) and counts(node)] == []
