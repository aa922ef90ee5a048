# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""The difference between wanted and actual alarms, and which of them prove that an action is taken."""

from __future__ import annotations

from hypothesis import given, settings

from ansible_collections.ecommerce.sqs.plugins.module_utils._alarms.plan import normalise, plan, targets
from ansible_collections.ecommerce.sqs.plugins.module_utils._alarms.wanted import read_alarms
from ansible_collections.ecommerce.sqs.plugins.module_utils._topology.expand import expand
from ansible_collections.ecommerce.sqs.tests.unit.support.entries import OTHER_TOPIC, TOPIC, alarm
from ansible_collections.ecommerce.sqs.tests.unit.support.strict_aws import REGION
from ansible_collections.ecommerce.sqs.tests.unit.support.topologies import good


@settings(max_examples=30)
@given(good())
def test_alarms_of_any_topology_are_accepted_and_are_equal_to_themselves(declared):
    alarms = expand(declared, region=REGION)["alarms"]
    assert [item["AlarmName"] for item in read_alarms(alarms)] == [item["AlarmName"] for item in alarms]
    assert plan(alarms, {item["AlarmName"]: item for item in alarms}, absent=False).empty
    assert all(normalise(normalise(item)) == normalise(item) for item in alarms)


def test_one_alarm_is_enough_to_prove_an_action():
    alarms = [
        alarm("a", AlarmActions=[TOPIC]),
        alarm("b", AlarmActions=[TOPIC, OTHER_TOPIC]),
        alarm("c", AlarmActions=["arn:aws:sns:x:y:off"], ActionsEnabled=False),
        alarm("d", OKActions=["arn:aws:sns:x:y:ok"]),
    ]
    assert targets(alarms) == [("a", TOPIC), ("b", OTHER_TOPIC)]
