# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a role documents about its variables is what it does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from ansible_collections.ecommerce.sqs.tests.checkout import ROOT

ROLES = sorted(path for path in (ROOT / "roles").iterdir() if path.is_dir())


def read(role: Path, name: str) -> dict:
    path = role / name
    return (yaml.safe_load(path.read_text(encoding="utf-8")) or {}) if path.exists() else {}


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_documented_defaults_are_the_defaults(role):
    options = read(role, "meta/argument_specs.yml")["argument_specs"]["main"].get("options", {})
    documented = {name: option["default"] for name, option in options.items() if "default" in option}
    assert documented == read(role, "defaults/main.yml")


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_every_variable_is_described_and_named_for_its_role(role):
    options = read(role, "meta/argument_specs.yml")["argument_specs"]["main"].get("options", {})
    assert [name for name in options if not name.startswith(f"{role.name}_")] == []
    assert [name for name, option in options.items() if not option.get("description")] == []


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_every_role_has_a_readme_that_names_its_use(role):
    assert f"ecommerce.sqs.{role.name}" in (role / "README.md").read_text(encoding="utf-8")


def names_of_its_own(role: Path) -> set[str]:
    """The variables that a role sets beside its options: those of ``vars``, of ``register`` and of ``set_fact``."""
    found = set(read(role, "vars/main.yml"))
    for path in (role / "tasks").glob("*.yml"):
        text = path.read_text(encoding="utf-8")
        found |= set(re.findall(r"^ +register: (\w+)$", text, re.MULTILINE))
        for block in re.findall(r"^( +)ansible\.builtin\.set_fact:\n((?:\1 +.*\n)+)", text, re.MULTILINE):
            found |= set(re.findall(rf"^{block[0]}  (\w+):", block[1], re.MULTILINE))
    return found


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_what_a_role_keeps_for_itself_is_marked_and_what_it_leaves_to_others_is_in_its_readme(role):
    readme = (role / "README.md").read_text(encoding="utf-8")
    left = {name for name in names_of_its_own(role) if not name.startswith(f"__{role.name}")}
    assert {name for name in left if f"`{name}`" not in readme} == set()
