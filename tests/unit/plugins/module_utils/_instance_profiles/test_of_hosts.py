# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""The instances that hosts and launches need, with their profiles."""

from __future__ import annotations

from ansible_collections.ecommerce.sqs.plugins.module_utils._instance_profiles.of_hosts import (
    instance_associations,
    instances_wanted,
)

PROFILES = {"order": {"instance_profile_arn": "arn:order"}, "payment": {"instance_profile_arn": "arn:payment"}}


def test_an_instance_has_the_profile_of_its_service() -> None:
    assert instances_wanted({"a": ["order"], "b": ["payment"]}, profiles=PROFILES, prefix="shop") == [
        {"name": "a", "service": "order", "topology": "shop", "instance_profile_arn": "arn:order"},
        {"name": "b", "service": "payment", "topology": "shop", "instance_profile_arn": "arn:payment"},
    ]


def test_an_instance_of_several_services_names_them_all() -> None:
    shared = {name: {"instance_profile_arn": "arn:shared"} for name in ("order", "payment")}
    (instance,) = instances_wanted({"a": ["order", "payment"]}, profiles=shared, prefix="shop")
    assert (instance["service"], instance["instance_profile_arn"]) == ("order,payment", "arn:shared")


def test_hosts_whose_instance_is_known_get_their_profile() -> None:
    profiles = {host: {"instance_profile_name": f"{host}-profile"} for host in "abcd"}
    assert instance_associations(profiles, instance_ids={"a": "i-1", "b": "", "c": None}) == [
        {"instance_id": "i-1", "instance_profile": "a-profile"}
    ]
