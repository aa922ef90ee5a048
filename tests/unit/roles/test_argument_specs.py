# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a role documents about its variables is what it does."""

from __future__ import annotations

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
