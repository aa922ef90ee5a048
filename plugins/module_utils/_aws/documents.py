# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Policies and tags by the helpers of amazon.aws: the one place that imports them, so that plans stay pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.policy import compare_policies
from ansible_collections.amazon.aws.plugins.module_utils.tagging import (
    ansible_dict_to_boto3_tag_list,
    boto3_tag_list_to_ansible_dict,
)


def same_policy(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Tell whether two policy documents mean the same, whatever the order and form of what they list."""
    return not compare_policies(one, other)


def to_tags(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Return tags as most services take them: ``[{Key, Value}]``."""
    found: list[dict[str, str]] = ansible_dict_to_boto3_tag_list(dict(tags))
    return found


def from_tags(tags: list[dict[str, str]] | None) -> dict[str, str]:
    """Return tags that a service lists as ``[{Key, Value}]``, by key."""
    found: dict[str, str] = boto3_tag_list_to_ansible_dict(tags)
    return found
