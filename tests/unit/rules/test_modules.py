# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a module is and where it is entered: documentation and a short main(), its logic in a room of module_utils."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import yaml

from ansible_collections.ecommerce.sqs.tests.checkout import ROOT

MODULES = sorted((ROOT / "plugins" / "modules").glob("*.py"))
OF_AWS = [path for path in MODULES if "_aws.module import" in path.read_text()]
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


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_the_readme_names_a_module(path: Path) -> None:
    table = (ROOT / "README.md").read_text().partition("## What it consists of")[2].partition("\n## ")[0]
    assert f"`{path.stem}`" in table


@pytest.mark.parametrize("path", OF_AWS, ids=lambda path: path.stem)
def test_a_module_of_aws_takes_the_defaults_of_its_group(path: Path) -> None:
    groups = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())["action_groups"]
    assert path.stem in groups["aws"], "module_defaults of group/ecommerce.sqs.aws would pass it by"
    assert "ecommerce.sqs.attributes.actiongroup_aws" in path.read_text()


@pytest.mark.parametrize("path", OF_AWS, ids=lambda path: path.stem)
def test_a_module_of_aws_is_tried_on_aws(path: Path) -> None:
    targets = ROOT / "tests" / "integration" / "targets"
    # A target is a role to ansible-test, and must not have the name of one of ours.
    name = f"{path.stem}_module" if (ROOT / "roles" / path.stem).exists() else path.stem
    assert (targets / name / "tasks" / "main.yml").exists()


def _names(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.ImportFrom):
        return [node.module or ""]
    return [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
