# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `make mutants` measures: every derivation of a topology, and files and tests that are there."""

from __future__ import annotations

import yaml

from ansible_collections.ecommerce.sqs.tests.checkout import ROOT

ENTRIES = yaml.safe_load((ROOT / "tests/mutants/files.yml").read_text(encoding="utf-8"))
NAMES = [entry["name"] for entry in ENTRIES]
WITHOUT_FUNCTIONS = {"_topology/shapes"}


def test_every_file_and_its_tests_are_there() -> None:
    worker = ROOT / "roles/worker/files/sqs_worker/src/sqs_worker"
    for name in NAMES:
        folder = worker if name.startswith("worker/") else ROOT / "plugins/module_utils"
        assert (folder / f"{name.removeprefix('worker/')}.py").is_file()
    tests = [test for entry in ENTRIES for test in entry["tests"]]
    assert [test for test in tests if not (ROOT / "tests" / test).is_file()] == []


def test_no_derivation_of_a_topology_is_left_out() -> None:
    module_utils = ROOT / "plugins/module_utils"
    files = {str(path.relative_to(module_utils).with_suffix("")) for path in (module_utils / "_topology").glob("*.py")}
    assert files - WITHOUT_FUNCTIONS - {"_topology/__init__"} <= set(NAMES)
