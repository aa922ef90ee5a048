# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad arguments of modules: refused with a path and a reason, before any call, and never with a traceback."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.ecommerce.sqs.tests.unit.support import topologies
from ansible_collections.ecommerce.sqs.tests.unit.support.run_module import run_module
from ansible_collections.ecommerce.sqs.tests.unit.support.strict_sqs import StrictSqs

_outside = {
    "visibility_timeout": (0, 43200),
    "message_retention_period": (60, 1209600),
    "receive_message_wait_time_seconds": (0, 20),
    "delay_seconds": (0, 900),
    "maximum_message_size": (1024, 1048576),
    "kms_data_key_reuse_period_seconds": (60, 86400),
}


@st.composite
def bad_options(draw: st.DrawFn) -> tuple[dict[str, Any], str]:
    """Options of one queue with one fault, and the option that has it."""
    choice = draw(st.integers(0, 6))
    if choice <= 2:
        key = draw(st.sampled_from(sorted(_outside)))
        low, high = _outside[key]
        values = (
            st.integers(max_value=low - 1) | st.integers(min_value=high + 1) | st.sampled_from(["soon", [], {}, 1.5])
        )
        return {key: draw(values)}, key
    if choice == 3:
        count = draw(st.integers(max_value=0) | st.integers(min_value=1001) | st.just("often"))
        return {"redrive_policy": {"dead_letter_queue": "dlq", "max_receive_count": count}}, "max_receive_count"
    if choice == 4:
        sources = draw(st.sampled_from([[], ["a b"], "orders", [f"q{index}" for index in range(11)], [1], None]))
        return {"redrive_allow_policy": {"permission": "byQueue", "source_queues": sources}}, "source_queues"
    if choice == 5:
        key = draw(st.sampled_from(["content_based_deduplication", "deduplication_scope", "fifo_throughput_limit"]))
        value = {
            "content_based_deduplication": True,
            "deduplication_scope": "queue",
            "fifo_throughput_limit": "perQueue",
        }
        return {key: value[key]}, key
    return draw(
        st.sampled_from(
            [
                ({"fifo": True}, "fifo"),
                ({"tags": {"aws:x": "y"}}, "tags.aws:x"),
                ({"tags": {"k": "v" * 257}}, "tags.k"),
                ({"policy": {"Statement": [{"Sid": "x" * 9000}]}}, "policy"),
                ({"kms_master_key_id": "k", "sqs_managed_sse_enabled": True}, "sqs_managed_sse_enabled"),
                ({"redrive_policy": {"dead_letter_queue": "dlq.fifo"}}, "redrive_policy.dead_letter_queue"),
                ({"redrive_policy": {"target": "dlq"}}, "redrive_policy.target"),
                ({"name": "a.b"}, "name"),
                ({"name": "x" * 81}, "name"),
                ({"name": ""}, "name"),
            ]
        )
    )


def assert_refused(service: StrictSqs, result: dict[str, Any], path: str) -> None:
    assert result.get("failed") is True
    assert path in result["msg"], result["msg"]
    assert service.calls == []


@given(bad_options())
@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_queue(case: tuple[dict[str, Any], str]) -> None:
    options, path = case
    service = StrictSqs()
    assert_refused(service, run_module("queue", service, {"name": "orders", **options}), path)


@given(bad_options(), st.integers(0, 2))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_queues_one_by_one(case: tuple[dict[str, Any], str], position: int) -> None:
    options, path = case
    queues: list[dict[str, Any]] = [{"name": f"good{index}"} for index in range(3)]
    queues[position].update(options)
    service = StrictSqs()
    assert_refused(service, run_module("queues", service, {"queues": queues}), path)


@given(topologies.bad())
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_queues_of_a_topology(case: tuple[object, str]) -> None:
    topology, path = case
    service = StrictSqs()
    assert_refused(service, run_module("queues", service, {"topology": topology}), path)


@pytest.mark.parametrize(
    ("module", "arguments", "parts"),
    [
        ("queues", {}, ["one of the following is required: topology, queues"]),
        ("queues", {"queues": [{"name": "a"}, {"name": "a"}]}, ["queues[1].name", "listed twice"]),
        ("queues", {"queues": [{"name": "a"}], "wait_timeout": -1}, ["wait_timeout: -1 is below 0 seconds"]),
        (
            "queues",
            {"queues": [{"name": "a"}], "account_id": "12"},
            ["account_id: '12' is not an account"],
        ),
        ("queue_info", {"names": ["a b"], "prefix": "a"}, ["mutually exclusive"]),
        ("queue_info", {"names": ["a b", "arn:aws:sqs:eu-west-1:1:x"]}, ["names[0]", "names[1]"]),
        ("queue_info", {"names": ["http://127.0.0.1/1/a b"]}, ["names"]),
        ("messages", {"queue": "q", "body": ""}, ["body: is empty"]),
        ("messages", {"queue": "q.fifo", "messages": [{"body": "x"}]}, ["messages[0].group_id: is missing"]),
        ("messages", {"queue": "q", "body": "x", "messages": [{"body": "x"}]}, ["mutually exclusive"]),
        ("messages_info", {"queue": "q", "limit": 0}, ["limit: 0 is below 1"]),
        ("messages_info", {"queue": "q", "filter": {"body_matches": "["}}, ["filter.body_matches"]),
        ("queue_redrive", {"queue": "q", "limit": 0}, ["limit: 0 is below 1"]),
        ("queue_redrive", {"queue": "q", "method": "native", "limit": 1}, ["method: native moves everything"]),
        (
            "queue_redrive",
            {"queue": "q", "destination_region": "eu-west-1"},
            ["destination_region: needs a destination"],
        ),
        ("queue_redrive", {"queue": "a b"}, ["queue: 'a b'"]),
        ("queue_purge", {"queue": "q"}, ["missing required arguments: confirm"]),
    ],
)
def test_other_arguments(module: str, arguments: dict[str, Any], parts: list[str]) -> None:
    service = StrictSqs()
    result = run_module(module, service, arguments)
    for part in parts:
        assert_refused(service, result, part)


def test_the_account_of_existing_queues_must_be_the_one_given() -> None:
    service = StrictSqs()
    run_module("queue", service, {"name": "orders", "wait": False})
    service.forget_calls()
    result = run_module("queue", service, {"name": "orders", "account_id": "999999999999", "delay_seconds": 1})
    assert "account_id: 999999999999 is not the account of these queues, which is 123456789012" in result["msg"]
    assert service.writes() == []


def test_queues_that_are_null_are_refused() -> None:
    service = StrictSqs()
    assert_refused(service, run_module("queues", service, {"queues": None}), "queues")


@pytest.mark.parametrize("diff_mode", [False, True])
def test_a_diff_is_given_where_it_is_asked_for(diff_mode: bool) -> None:
    result = run_module("queue", StrictSqs(), {"name": "orders", "wait": False, "_ansible_diff": diff_mode})
    assert result["changed"]
    assert ("diff" in result) is diff_mode
