# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of a group: none where it has what is wanted."""

from __future__ import annotations

import copy

import botocore.session
from botocore.validate import ParamValidator
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ecommerce.sqs.plugins.module_utils._scaling.plan import normalise, plan_present
from ansible_collections.ecommerce.sqs.plugins.module_utils._scaling.wanted import read_wanted
from ansible_collections.ecommerce.sqs.tests.unit.support.entries import scaling_policy


@given(
    st.sampled_from(["backlog_per_instance", "queue_depth"]),
    st.floats(min_value=0.01, max_value=1e6),
    st.booleans(),
    st.none() | st.integers(0, 3600),
)
def test_every_policy_is_one_that_autoscaling_would_take(form, target, disable, warmup):
    changes = {"form": form, "target_value": target, "disable_scale_in": disable}
    (wanted,) = read_wanted([scaling_policy(estimated_instance_warmup=warmup, **changes)])
    model = botocore.session.get_session().get_service_model("autoscaling").operation_model("PutScalingPolicy")
    for name, made in wanted.policies.items():
        call = {"AutoScalingGroupName": wanted.group, "PolicyName": name, **made}
        assert not ParamValidator().validate(call, model.input_shape).has_errors()
        actual = {"metrics": dict.fromkeys(wanted.metrics, "1Minute"), "policies": {name: made}, "hooks": {}}
        assert plan_present(wanted, actual) == []
        assert normalise(made) == normalise(copy.deepcopy(made))
