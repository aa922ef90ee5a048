# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers and folders the tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.command import HANDLERS
from support.servers import Emulator, fauxqs


@pytest.fixture(scope="session")
def sqs() -> Iterator[Emulator]:
    """fauxqs, for the whole session; tests use queues of their own."""
    with fauxqs() as emulator:
        yield emulator


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """A folder with the handlers of ``support.command``, as an application's working directory."""
    (tmp_path / "app_handlers.py").write_text(HANDLERS)
    return tmp_path


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        # fauxqs needs Node.js and packages from npm.
        if "sqs" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)
