# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.ecommerce.sqs.tests.unit.support import engines
from ansible_collections.ecommerce.sqs.tests.unit.support.strict_messages import StrictMessages


@pytest.fixture
def service() -> StrictMessages:
    """A service with a standard queue and a FIFO queue."""
    service = StrictMessages()
    engines.apply_queues(service, [{"name": "orders"}, {"name": "ledger.fifo"}])
    service.forget_calls()
    return service
