# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entries of the options of modules, as a user gives them."""

from __future__ import annotations

from typing import Any

from ansible_collections.ecommerce.sqs.tests.unit.support.strict_aws import REGION

TOPIC, OTHER_TOPIC = (f"arn:aws:sns:{REGION}:123456789012:{name}" for name in ("on-call", "mail"))
ASG = "payment-service-asg"


def alarm(name: str = "depth", **changes: Any) -> dict[str, Any]:
    """One of module ``alarms``."""
    return {
        "AlarmName": name,
        "Namespace": "AWS/SQS",
        "MetricName": "ApproximateNumberOfMessagesVisible",
        "Dimensions": [{"Name": "QueueName", "Value": "shop"}],
        "Statistic": "Average",
        "Period": 300,
        "EvaluationPeriods": 2,
        "Threshold": 100.0,
        "ComparisonOperator": "GreaterThanThreshold",
        **changes,
    }


def scaling_policy(**changes: Any) -> dict[str, Any]:
    """One of module ``scaling_policy``, with all that Ansible fills in."""
    return {
        "autoscaling_group": ASG,
        "name": "backlog-per-instance",
        "queue_name": "ecommerce-order-queue",
        "form": "backlog_per_instance",
        "target_value": 100.0,
        "acceptable_latency": None,
        "mean_processing_time": None,
        "concurrency": None,
        "disable_scale_in": False,
        "estimated_instance_warmup": None,
        "drain": None,
        **changes,
    }
