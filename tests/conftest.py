# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes this checkout importable as ansible_collections.ecommerce.sqs under plain pytest, as ansible-test does."""

from __future__ import annotations

import sys

import pytest
from ansible.utils.collection_loader._collection_finder import _AnsibleCollectionFinder
from hypothesis import HealthCheck, settings

if not any(isinstance(finder, _AnsibleCollectionFinder) for finder in sys.meta_path):
    from checkout import ROOT

    _AnsibleCollectionFinder(paths=[str(ROOT / ".ansible" / "collections")])._install()

# How long an example takes says how busy the machine is, and nothing about the code.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

# Fixtures that start a server, fetch packages or build an environment.
SLOW = {"judge", "python"}


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: not a part of make check")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if SLOW & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)
