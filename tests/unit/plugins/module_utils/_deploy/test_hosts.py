# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the hosts of a deploy are ready and agree."""

from __future__ import annotations

from ansible_collections.ecommerce.sqs.plugins.module_utils._deploy.hosts import (
    release_changes,
    rollback_disagreements,
    unready_hosts,
)


def unready(problems: dict[str, str], reached: str, concerned: str) -> list[str]:
    return unready_hosts(problems, reached=reached.split(), concerned=concerned.split())


def test_hosts_without_a_problem_are_ready() -> None:
    assert unready({"a": "", "b": ""}, "a b", "a b") == []


def test_a_host_with_a_problem_is_named_with_it_whether_it_is_reached_or_not() -> None:
    assert unready({"a": "disk full", "b": "locked"}, "a", "a b") == ["a: disk full", "b: locked"]


def test_a_host_that_went_away_is_not_ready_where_it_runs_a_chosen_service() -> None:
    assert unready({"a": "", "b": "", "c": ""}, "a", "a b") == ["b: it cannot be reached"]


def test_hosts_that_go_back_to_one_release_agree() -> None:
    targets = {"a": {"order": "1"}, "b": {"order": "1", "payment": "7"}, "c": {}}
    assert rollback_disagreements(targets, ["order", "payment"]) == []


def test_every_service_whose_hosts_disagree_is_named_with_them_and_the_ways_out() -> None:
    targets = {"a": {"order": "1", "payment": "7"}, "b": {"order": "2", "payment": "8"}, "c": {"order": "1"}}
    order, payment = rollback_disagreements(targets, ["order", "payment"])
    assert order.startswith("order ")
    assert "(a: 1, b: 2, c: 1)" in order
    assert "(a: 7, b: 8)" in payment
    assert "deploy_release" in order
    assert "--limit" in order


def test_services_that_are_not_chosen_may_disagree() -> None:
    assert rollback_disagreements({"a": {"order": "1"}, "b": {"order": "2"}}, ["payment"]) == []


def test_the_log_of_deploys_says_from_which_release_to_which() -> None:
    after = {"order": "2", "payment": "8"}
    assert release_changes(after, before={"order": "1", "payment": ""}, services=["order", "payment", "site"]) == [
        "order 1 -> 2",
        "payment none -> 8",
    ]
