# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible knows no place for what the plays of several playbooks share: each says it, and none says it otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.ecommerce.sqs.tests.checkout import ROOT

PLAYBOOKS = sorted((ROOT / "playbooks").glob("*.yml"))
PLAYS = [
    (path.stem, play)
    for path in PLAYBOOKS
    for play in yaml.safe_load(path.read_text(encoding="utf-8"))
    if "hosts" in play
]
ROLES_OF_AWS = {
    f"ecommerce.sqs.{name}"
    for name in ("alarms", "dashboard", "iam", "instances", "queues", "scaling", "verify", "vpc_endpoint")
}


def of_host(host: str) -> list[Any]:
    return [pytest.param(play, id=f"{name}: {play['name']}") for name, play in PLAYS if play["hosts"] == host]


def roles(play: dict[str, Any]) -> set[str]:
    """The roles that the tasks of a play name."""
    calls = [task.get(f"ansible.builtin.{how}_role") for task in play["tasks"] for how in ("import", "include")]
    return {call["name"] for call in calls if call}


def test_there_are_plays_on_the_controller_and_on_hosts() -> None:
    hosts = {play["hosts"] for _name, play in PLAYS}
    assert hosts == {"localhost", "service_hosts", "deploy_canaries", "deploy_followers"}


@pytest.mark.parametrize("play", of_host("localhost"))
def test_a_play_on_the_controller_connects_to_nothing_and_reaches_the_aws_of_the_inventory(
    play: dict[str, Any],
) -> None:
    assert (play["connection"], play["gather_facts"]) == ("local", False)
    if roles(play) & ROLES_OF_AWS:
        assert play["environment"] == "{{ sqs_aws_environment }}"


@pytest.mark.parametrize("path", PLAYBOOKS, ids=lambda path: path.stem)
def test_a_playbook_begins_with_what_it_is_for(path: Path) -> None:
    assert path.read_text(encoding="utf-8").startswith("---\n# ")
