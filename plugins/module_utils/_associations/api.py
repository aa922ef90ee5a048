# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads and writes of instances and of the profiles that they use. It decides nothing: that is ``plan``."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

# Where botocore is missing, AnsibleAWSModule says so, with the way out, before any of it is needed.
with suppress(ImportError):
    import botocore.exceptions

from .._aws.client import error_code, error_message, polls, until_taken
from .._topology.names import name_in

POLL_SECONDS = 2
FILTER_VALUES = 200
"""Values that one filter may have (EC2 API, "Filtering your resources": FilterLimitExceeded)."""
UNKNOWN_PROFILE = "Invalid IAM Instance Profile"
"""What EC2 says of a profile that IAM has but EC2 does not know yet, with the code InvalidParameterValue."""


class UnknownProfileError(Exception):
    """EC2 did not get to know ``profile`` in the time given."""

    def __init__(self, profile: str) -> None:
        super().__init__(profile)
        self.profile = profile


class AssociationApi:
    """EC2 as associations need it. What attaches a profile raises UnknownProfileError.

    :param client: a boto3 client of EC2.
    :param timeout: seconds that one wait may take.
    :param sleep: waits so many seconds; a test passes its own.
    """

    def __init__(self, client: Any, timeout: int, sleep: Callable[[float], None] = time.sleep) -> None:
        self._client = client
        self._timeout = timeout
        self._sleep = sleep

    def read(self, instance_ids: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Return the instances that exist, by ID, in the shape that ``plan`` describes."""
        ids = list(instance_ids)
        paginator = self._client.get_paginator("describe_instances")
        pages = [page for filters in _filters(ids) for page in paginator.paginate(Filters=filters)]
        found = [item for page in pages for group in page["Reservations"] for item in group["Instances"]]
        associations = {item["InstanceId"]: item for item in self._associations_of(ids)}
        return {item["InstanceId"]: _instance(item, associations.get(item["InstanceId"])) for item in found}

    def users_of(self, profile_names: Iterable[str]) -> dict[str, list[str]]:
        """Return for each of the profiles the IDs of the instances that use it."""
        users: dict[str, list[str]] = {name: [] for name in profile_names}
        for item in self._associations([]):
            name = name_in(item["IamInstanceProfile"]["Arn"])
            if name in users:
                users[name].append(item["InstanceId"])
        return users

    def associate(self, instance_id: str, profile: str) -> None:
        self._once_known(
            profile,
            lambda: self._client.associate_iam_instance_profile(
                InstanceId=instance_id, IamInstanceProfile={"Name": profile}
            ),
        )

    def replace(self, instance_id: str, association_id: str, profile: str) -> None:
        """Swap the profile; the instance has credentials throughout."""
        self._once_known(
            profile,
            lambda: self._client.replace_iam_instance_profile_association(
                AssociationId=association_id, IamInstanceProfile={"Name": profile}
            ),
        )

    def disassociate(self, instance_id: str, association_id: str) -> None:
        self._client.disassociate_iam_instance_profile(AssociationId=association_id)

    def require_tokens(self, instance_id: str, http_tokens: str | None = None, hop_limit: int | None = None) -> None:
        options: dict[str, Any] = {}
        if http_tokens:
            options["HttpTokens"] = http_tokens
        if hop_limit is not None:
            options["HttpPutResponseHopLimit"] = hop_limit
        self._client.modify_instance_metadata_options(InstanceId=instance_id, HttpEndpoint="enabled", **options)

    def wait_until_associated(self, profiles: dict[str, str | None]) -> list[str]:
        """Return once every instance, by ID, has its profile and nothing is under way, or after the timeout.

        :return: the IDs of instances of which that is not so.
        """
        wanted = {(instance_id, name, "associated") for instance_id, name in profiles.items() if name}
        differing: set[tuple[str, str, str]] = set()
        for _last in polls(self._timeout, POLL_SECONDS, self._sleep):
            actual = {
                (item["InstanceId"], name_in(item["IamInstanceProfile"]["Arn"]), item["State"])
                for item in self._associations_of(profiles)
            }
            differing = wanted ^ actual
            if not differing:
                break
        return sorted({instance_id for instance_id, _name, _state in differing})

    def _once_known(self, profile: str, call: Callable[[], Any]) -> None:
        """Call, again while EC2 does not know a profile that IAM already has; that takes up to two minutes."""
        try:
            until_taken(call, _is_unknown, timeout=self._timeout, seconds=POLL_SECONDS, sleep=self._sleep)
        except botocore.exceptions.ClientError as error:
            if _is_unknown(error):
                raise UnknownProfileError(profile) from error
            raise

    def _associations_of(self, instance_ids: Iterable[str]) -> list[dict[str, Any]]:
        return [item for filters in _filters(instance_ids) for item in self._associations(filters)]

    def _associations(self, filters: list[dict[str, Any]]) -> list[dict[str, Any]]:
        pages = self._client.get_paginator("describe_iam_instance_profile_associations").paginate(Filters=filters)
        return [
            item
            for page in pages
            for item in page["IamInstanceProfileAssociations"]
            if item["State"] not in ("disassociated", "disassociating")
        ]


def _is_unknown(error: BaseException) -> bool:
    return error_code(error) == "InvalidParameterValue" and UNKNOWN_PROFILE in error_message(error)


def _filters(instance_ids: Iterable[str]) -> list[list[dict[str, Any]]]:
    """Filters that together find these instances; unlike InstanceIds, they do not fail for all when one is missing."""
    ids = list(instance_ids)
    return [
        [{"Name": "instance-id", "Values": ids[first : first + FILTER_VALUES]}]
        for first in range(0, len(ids), FILTER_VALUES)
    ]


def _instance(found: dict[str, Any], association: dict[str, Any] | None) -> dict[str, Any]:
    options = found.get("MetadataOptions", {})
    return {
        "state": found["State"]["Name"],
        "profile": name_in(association["IamInstanceProfile"]["Arn"]) if association else None,
        "association_id": association["AssociationId"] if association else None,
        "http_tokens": options.get("HttpTokens", "optional"),
        "hop_limit": options.get("HttpPutResponseHopLimit", 1),
    }
