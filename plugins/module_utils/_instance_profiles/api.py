# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads and writes of roles, policies and instance profiles. It decides nothing: that is ``plan``."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, TypeVar

# Where botocore is missing, AnsibleAWSModule says so, with the way out, before any of it is needed.
with suppress(ImportError):
    import botocore.exceptions

from .._aws.client import error_code, until_taken
from .._aws.documents import from_tags, to_tags
from .._topology.names import Place
from .._topology.policies import Document
from .wanted import Wanted

Found = TypeVar("Found")

POLICY_VERSIONS = 5
"""Versions that a managed policy keeps. Source: reference_iam-quotas.html."""
SETTLE_SECONDS = {"DeleteConflict": 60, "NoSuchEntity": 15}
"""How long a call is tried again while IAM's reads follow its writes: what was detached a moment ago may still
count as attached, and what was made a moment ago may not be known yet."""


class IamApi:
    """IAM as instance profiles need it.

    :param client: a boto3 client of IAM.
    :param place: the account, for the ARNs of its policies.
    :param sleep: waits so many seconds; a test passes its own.
    """

    def __init__(self, client: Any, place: Place, sleep: Callable[[float], None] = time.sleep) -> None:
        self._client = client
        self._place = place
        self._sleep = sleep

    def read(self, wanted: Wanted, *, all_inline: bool, users: bool) -> dict[str, Any]:
        """Return what there is of a profile, in the shape that ``plan`` describes.

        :param all_inline: read every inline policy of the role, not only the wanted ones.
        :param users: read who else uses the role and the policies.
        """
        return {
            "profile": self._read_profile(wanted.name) if wanted.with_profile else None,
            "role": self._read_role(wanted, all_inline=all_inline, users=users),
            "policies": {name: self._read_policy(name, users=users) for name in wanted.managed_policies},
        }

    def wait_until_visible(self, names: Iterable[str], timeout: int) -> None:
        """Return once IAM answers for every profile; raise botocore's WaiterError after ``timeout`` seconds."""
        waiter = self._client.get_waiter("instance_profile_exists")
        for name in names:
            config = {"Delay": 1, "MaxAttempts": max(timeout, 1)}
            waiter.wait(InstanceProfileName=name, WaiterConfig=config)

    def create_role(
        self,
        *,
        name: str,
        assume_role_policy: Document,
        description: str,
        permissions_boundary: str | None,
        max_session_duration: int,
        tags: dict[str, str],
    ) -> None:
        boundary = {"PermissionsBoundary": permissions_boundary} if permissions_boundary else {}
        self._client.create_role(
            RoleName=name,
            AssumeRolePolicyDocument=_dump(assume_role_policy),
            Description=description,
            MaxSessionDuration=max_session_duration,
            Tags=to_tags(tags),
            **boundary,
        )

    def update_trust_policy(self, name: str, document: Document) -> None:
        self._client.update_assume_role_policy(RoleName=name, PolicyDocument=_dump(document))

    def update_role(self, name: str, description: str, max_session_duration: int) -> None:
        self._client.update_role(RoleName=name, Description=description, MaxSessionDuration=max_session_duration)

    def set_permissions_boundary(self, name: str, arn: str | None) -> None:
        if arn:
            self._client.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=arn)
        else:
            self._client.delete_role_permissions_boundary(RoleName=name)

    def create_policy(self, name: str, document: Document, tags: dict[str, str]) -> None:
        self._client.create_policy(PolicyName=name, PolicyDocument=_dump(document), Tags=to_tags(tags))

    def update_policy(self, arn: str, document: Document) -> None:
        """Make ``document`` the default version; the oldest of the others goes where IAM has no room for a sixth."""
        versions = self._other_versions(arn)
        if len(versions) + 1 >= POLICY_VERSIONS:
            self._client.delete_policy_version(PolicyArn=arn, VersionId=versions[0])
        self._client.create_policy_version(PolicyArn=arn, PolicyDocument=_dump(document), SetAsDefault=True)

    def attach_policy(self, role: str, arn: str) -> None:
        # A policy of a moment ago may not be known yet where the role is kept.
        self._until_settled("NoSuchEntity", lambda: self._client.attach_role_policy(RoleName=role, PolicyArn=arn))

    def detach_policy(self, role: str, arn: str) -> None:
        self._unless_gone(lambda: self._client.detach_role_policy(RoleName=role, PolicyArn=arn))

    def put_inline_policy(self, role: str, name: str, document: Document) -> None:
        self._client.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=_dump(document))

    def delete_inline_policy(self, role: str, name: str) -> None:
        self._unless_gone(lambda: self._client.delete_role_policy(RoleName=role, PolicyName=name))

    def create_profile(self, name: str, tags: dict[str, str]) -> None:
        self._client.create_instance_profile(InstanceProfileName=name, Tags=to_tags(tags))

    def add_role_to_profile(self, name: str, role: str) -> None:
        self._until_settled(
            "NoSuchEntity",
            lambda: self._client.add_role_to_instance_profile(InstanceProfileName=name, RoleName=role),
        )

    def remove_role_from_profile(self, name: str, role: str) -> None:
        self._unless_gone(
            lambda: self._client.remove_role_from_instance_profile(InstanceProfileName=name, RoleName=role)
        )

    def delete_profile(self, name: str) -> None:
        self._delete(lambda: self._client.delete_instance_profile(InstanceProfileName=name))

    def delete_role(self, name: str) -> None:
        self._delete(lambda: self._client.delete_role(RoleName=name))

    def delete_policy(self, arn: str) -> None:
        for version in self._other_versions(arn):
            self._client.delete_policy_version(PolicyArn=arn, VersionId=version)
        self._delete(lambda: self._client.delete_policy(PolicyArn=arn))

    def tag(self, kind: str, identifier: str, tags: dict[str, str]) -> None:
        call, key = self._tagging(kind, "tag")
        call(**{key: identifier}, Tags=to_tags(tags))

    def untag(self, kind: str, identifier: str, keys: list[str]) -> None:
        call, key = self._tagging(kind, "untag")
        call(**{key: identifier}, TagKeys=keys)

    def _tagging(self, kind: str, verb: str) -> tuple[Callable[..., Any], str]:
        return {
            "role": (getattr(self._client, f"{verb}_role"), "RoleName"),
            "policy": (getattr(self._client, f"{verb}_policy"), "PolicyArn"),
            "profile": (getattr(self._client, f"{verb}_instance_profile"), "InstanceProfileName"),
        }[kind]

    def _read_profile(self, name: str) -> dict[str, Any] | None:
        found = _existing(lambda: self._client.get_instance_profile(InstanceProfileName=name)["InstanceProfile"])
        if found is None:
            return None
        roles = [role["RoleName"] for role in found["Roles"]]
        return {"role": roles[0] if roles else None, "tags": from_tags(found.get("Tags"))}

    def _read_role(self, wanted: Wanted, *, all_inline: bool, users: bool) -> dict[str, Any] | None:
        name = wanted.role
        found = _existing(lambda: self._client.get_role(RoleName=name)["Role"])
        if found is None:
            return None
        inline = list(wanted.inline_policies)
        if all_inline or inline:
            actual = self._list("list_role_policies", "PolicyNames", RoleName=name)
            inline = [policy for policy in actual if all_inline or policy in wanted.inline_policies]
        profiles = self._list("list_instance_profiles_for_role", "InstanceProfiles", RoleName=name) if users else []
        return {
            "description": found.get("Description", ""),
            "assume_role_policy": found["AssumeRolePolicyDocument"],
            "permissions_boundary": found.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
            "max_session_duration": found.get("MaxSessionDuration", 3600),
            "tags": from_tags(found.get("Tags")),
            "attached": [
                policy["PolicyArn"]
                for policy in self._list("list_attached_role_policies", "AttachedPolicies", RoleName=name)
            ],
            "inline": {
                policy: self._client.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
                for policy in inline
            },
            "other_profiles": [
                profile["InstanceProfileName"] for profile in profiles if profile["InstanceProfileName"] != wanted.name
            ],
        }

    def _read_policy(self, name: str, *, users: bool) -> dict[str, Any] | None:
        arn = self._place.arn("iam", f"policy/{name}")
        found = _existing(lambda: self._client.get_policy(PolicyArn=arn)["Policy"])
        if found is None:
            return None
        version = self._client.get_policy_version(PolicyArn=arn, VersionId=found["DefaultVersionId"])
        roles = (
            self._list("list_entities_for_policy", "PolicyRoles", PolicyArn=arn, EntityFilter="Role") if users else []
        )
        return {
            "document": version["PolicyVersion"]["Document"],
            "tags": from_tags(found.get("Tags")),
            "other_roles": [role["RoleName"] for role in roles],
        }

    def _other_versions(self, arn: str) -> list[str]:
        """Return the IDs of the versions that are not the default, oldest first."""
        versions = self._list("list_policy_versions", "Versions", PolicyArn=arn)
        others = [version for version in versions if not version["IsDefaultVersion"]]
        return [version["VersionId"] for version in sorted(others, key=lambda version: int(version["VersionId"][1:]))]

    def _list(self, operation: str, key: str, **arguments: Any) -> list[Any]:
        pages = self._client.get_paginator(operation).paginate(**arguments)
        return [item for page in pages for item in page.get(key, [])]

    def _delete(self, call: Callable[[], Any]) -> None:
        self._unless_gone(lambda: self._until_settled("DeleteConflict", call))

    def _until_settled(self, code: str, call: Callable[[], Any]) -> None:
        """Call until IAM no longer answers ``code``, for as long as SETTLE_SECONDS allows."""
        until_taken(
            call, lambda error: error_code(error) == code, timeout=SETTLE_SECONDS[code], seconds=1, sleep=self._sleep
        )

    def _unless_gone(self, call: Callable[[], Any]) -> None:
        _existing(call)


def _existing(call: Callable[[], Found]) -> Found | None:
    """Return what ``call`` returns, or None where IAM says that there is no such thing."""
    try:
        return call()
    except botocore.exceptions.ClientError as error:
        if error_code(error) != "NoSuchEntity":
            raise
        return None


def _dump(document: Document) -> str:
    return json.dumps(document, separators=(",", ":"))
