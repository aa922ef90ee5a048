# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.ecommerce.sqs.plugins.filter.expand import FilterModule

TOPOLOGY = {"prefix": "shop", "queues": {"order": {}}, "services": {"order": {"consumes": ["order"]}}}


def test_the_filter_expands() -> None:
    expand = FilterModule().filters()["expand"]
    queues = expand(TOPOLOGY, region="eu-west-1")["queues"]
    assert [queue["name"] for queue in queues.values()] == ["shop-dlq", "shop-order-queue"]


def test_the_filter_reports_all_faults_in_one_message() -> None:
    expand = FilterModule().filters()["expand"]
    with pytest.raises(AnsibleFilterError) as caught:
        expand({**TOPOLOGY, "prefix": 1, "tag": {}}, region="eu-west-1")
    assert "prefix: 1 must be" in str(caught.value)
    assert "tag: unknown key; did you mean tags?" in str(caught.value)
