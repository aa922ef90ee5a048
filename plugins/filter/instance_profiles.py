# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``ecommerce.sqs.instance_profiles``; documented in instance_profiles.yml."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.ecommerce.sqs.plugins.module_utils._topology import policies


def instance_profiles(expanded: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the instance profiles of an expanded topology; raise AnsibleFilterError where it has no account."""
    try:
        return policies.instance_profiles(expanded)
    except (KeyError, TypeError, ValueError) as error:
        raise AnsibleFilterError(f"instance_profiles wants an expanded topology with an account: {error}") from error


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"instance_profiles": instance_profiles}
