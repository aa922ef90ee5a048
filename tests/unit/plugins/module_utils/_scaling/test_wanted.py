# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scaling that a module is asked for is read, or refused with the path of each fault."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.ecommerce.sqs.plugins.module_utils._problems import InvalidInputError
from ansible_collections.ecommerce.sqs.plugins.module_utils._scaling.wanted import read_wanted

NUMBER = st.none() | st.floats() | st.integers() | st.text(max_size=3) | st.booleans()


@settings(max_examples=500)
@given(
    st.lists(
        st.fixed_dictionaries(
            {"autoscaling_group": st.text(max_size=3), "name": st.text(max_size=2), "queue_name": st.text(max_size=3)},
            optional={
                "target_value": NUMBER,
                "acceptable_latency": NUMBER,
                "mean_processing_time": NUMBER,
                "concurrency": NUMBER,
                "drain": st.none() | st.fixed_dictionaries({"name": st.text(), "heartbeat_timeout": st.integers()}),
            },
        ),
        max_size=3,
    )
)
def test_any_input_is_read_or_refused_with_its_path(entries):
    try:
        found = read_wanted(entries)
    except InvalidInputError as error:
        assert all(line.startswith("scaling_policies[") for line in error.errors)
    else:
        policies = [made for item in found for made in item.policies.values()]
        assert all(0 < made["TargetTrackingConfiguration"]["TargetValue"] < 1e109 for made in policies)
