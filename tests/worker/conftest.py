# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers the tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.servers import Emulator, fauxqs


@pytest.fixture(scope="session")
def sqs() -> Iterator[Emulator]:
    """fauxqs, for the whole session; tests use queues of their own."""
    with fauxqs() as emulator:
        yield emulator
