# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every filter is documented by a file of its name, and every such file by a filter."""

from __future__ import annotations

import importlib

import yaml

from ansible_collections.ecommerce.sqs.tests.checkout import ROOT

FOLDER = ROOT / "plugins/filter"
PACKAGE = "ansible_collections.ecommerce.sqs.plugins.filter"


def test_filters_and_their_documentation_go_together() -> None:
    modules = [importlib.import_module(f"{PACKAGE}.{path.stem}") for path in FOLDER.glob("[!_]*.py")]
    filters = {name for module in modules for name in module.FilterModule().filters()}
    documents = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in FOLDER.glob("*.yml")}
    assert set(documents) == filters
    assert {document["DOCUMENTATION"]["name"] for document in documents.values()} == filters
