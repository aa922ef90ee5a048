# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The instance profiles that a module was asked for, with their role and policies, checked. Pure: no I/O."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .._problems import Problems, RefusedError, join, show
from .._topology.expand import in_place
from .._topology.names import ROLE_NAME_MAXIMUM, Place, is_policy_arn
from .._topology.policies import Document, instance_profiles, operator_role, trust_policy
from .._topology.shapes import ExpandedTopology
from .._topology.tags import read_tags

NAME_LIMITS = {"name": 128, "role": ROLE_NAME_MAXIMUM, "policy": 128}
"""Characters of the names of a profile, a role and a policy. Source: reference_iam-quotas.html."""
MANAGED_POLICY_CHARACTERS = 6144
"""White space does not count. Source: reference_iam-quotas.html."""
INLINE_POLICY_CHARACTERS = 10240
"""The sum of all inline policies of a role. Source: reference_iam-quotas.html."""
SESSION_MINIMUM, SESSION_MAXIMUM = 3600, 12 * 3600
"""Seconds of a session with a role. Source: API_CreateRole.html."""
_NAME = re.compile(r"[\w+=,.@-]+", re.ASCII)


@dataclass(frozen=True)
class Wanted:
    """One instance profile as the operator wants it; None is "leave it as it is"."""

    name: str
    role: str
    description: str | None = None
    assume_role_policy: Document = field(default_factory=dict)
    permissions_boundary: str | None = None
    max_session_duration: int | None = None
    managed_policies: dict[str, Document | None] = field(default_factory=dict)
    managed_policy_arns: list[str] = field(default_factory=list)
    inline_policies: dict[str, Document] = field(default_factory=dict)
    tags: dict[str, str] | None = None
    with_profile: bool = True
    """False for a role that people assume; ``name`` is then only what it is called in messages."""


def read_parameters(parameters: Mapping[str, Any], expanded: ExpandedTopology | None, place: Place) -> list[Wanted]:
    """Return the profiles that the module's options ask for.

    :param expanded: the topology of the options; None for their ``instance_profiles``.
    Raises InvalidInputError and RefusedError.
    """
    entries = parameters["instance_profiles"] if expanded is None else _entries(in_place(expanded, place), parameters)
    return read_wanted(
        [_with_common(entry, parameters) for entry in entries],
        trust_policy=trust_policy({"partition": place.partition}),
        tags=parameters["tags"],
        absent=parameters["state"] == "absent",
    )


def read_wanted(
    entries: Iterable[Mapping[str, Any]],
    *,
    trust_policy: Document,
    tags: Mapping[str, str] | None = None,
    absent: bool = False,
) -> list[Wanted]:
    """Return the profiles of the module's option, defaults filled in.

    :param trust_policy: who may assume a role that does not say it itself.
    :param tags: tags of every profile; an entry's own come on top.
    :param absent: policies are named only, so that their documents may be missing.
    Raises InvalidInputError with every fault found: names IAM does not take, policies too long, a role or a policy
    that two profiles want differently.
    """
    problems = Problems()
    found = []
    for position, entry in enumerate(entries):
        path = f"instance_profiles[{position}]"
        managed = _read_policies(entry, "managed_policies", path, problems, absent=absent)
        inline = _read_policies(entry, "inline_policies", path, problems, absent=absent)
        merged = None if tags is None and entry.get("tags") is None else {**(tags or {}), **(entry.get("tags") or {})}
        wanted = Wanted(
            name=entry["name"],
            role=entry.get("role") or entry["name"],
            description=entry.get("description"),
            assume_role_policy=entry.get("assume_role_policy") or trust_policy,
            permissions_boundary=entry.get("permissions_boundary"),
            max_session_duration=entry.get("max_session_duration"),
            managed_policies=managed,
            managed_policy_arns=list(entry.get("managed_policy_arns") or []),
            inline_policies={name: document or {} for name, document in inline.items()},
            tags=None if merged is None else {str(key): str(value) for key, value in merged.items()},
            with_profile=entry.get("with_profile", True),
        )
        _check(wanted, path, problems)
        found.append(wanted)
    _check_shared(found, problems)
    problems.raise_if_any("instance_profiles")
    return found


def _entries(expanded: Mapping[str, Any], parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
    groups = {
        name: [value] if isinstance(value, str) else list(value)
        for name, value in (parameters["autoscaling_groups"] or {}).items()
    }
    principals = parameters["operator_principals"]
    chosen = parameters["services"]
    unknown = sorted(set(chosen or []) - set(expanded["services"]))
    if unknown:
        declared = ", ".join(expanded["services"])
        raise RefusedError(f"services: the topology has no service {', '.join(unknown)}; declared are {declared}")
    try:
        operator = [operator_role(expanded, principals)] if principals else []
        profiles = instance_profiles(expanded, groups)
    except ValueError as error:
        raise RefusedError(str(error)) from error
    if not chosen:
        return [*profiles, *operator]
    names = {expanded["services"][name]["instance_profile_name"] for name in chosen}
    return [profile for profile in profiles if profile["name"] in names]


def _with_common(entry: Mapping[str, Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry with what the module's options say for all of them; its own word goes first."""
    common = parameters["managed_policy_arns"]
    result = {**entry, "managed_policy_arns": [*common, *(entry.get("managed_policy_arns") or [])]}
    if result.get("permissions_boundary") is None:
        result["permissions_boundary"] = parameters["permissions_boundary"]
    return result


def _read_policies(
    entry: Mapping[str, Any], key: str, path: str, problems: Problems, *, absent: bool
) -> dict[str, Document | None]:
    found: dict[str, Document | None] = {}
    size = 0
    for position, policy in enumerate(entry.get(key) or []):
        here = f"{path}.{key}[{position}]"
        _check_name(policy["name"], "policy", join(here, "name"), problems)
        if policy["name"] in found:
            problems.add(join(here, "name"), f"{show(policy['name'])} is listed twice")
        found[policy["name"]] = policy.get("document")
        if policy.get("document") is None:
            if not absent:
                problems.add(join(here, "document"), "is missing; a policy says what it allows")
            continue
        _check_document(policy["document"], join(here, "document"), problems)
        length = len("".join(json.dumps(policy["document"]).split()))
        size += length
        if key == "managed_policies" and length > MANAGED_POLICY_CHARACTERS:
            problems.add(
                join(here, "document"),
                f"{length} characters are above {MANAGED_POLICY_CHARACTERS}; split the policy in two",
            )
    if key == "inline_policies" and size > INLINE_POLICY_CHARACTERS:
        problems.add(join(path, key), f"{size} characters in all are above {INLINE_POLICY_CHARACTERS}")
    return found


def _check(wanted: Wanted, path: str, problems: Problems) -> None:
    _check_name(wanted.name, "name", join(path, "name"), problems)
    _check_name(wanted.role, "role", join(path, "role"), problems)
    _check_document(wanted.assume_role_policy, join(path, "assume_role_policy"), problems)
    if wanted.description is not None and len(wanted.description) > 1000:
        problems.add(join(path, "description"), f"{len(wanted.description)} characters are above 1000")
    duration = wanted.max_session_duration
    if duration is not None and not SESSION_MINIMUM <= duration <= SESSION_MAXIMUM:
        problems.add(
            join(path, "max_session_duration"),
            f"{duration} is not within {SESSION_MINIMUM} and {SESSION_MAXIMUM} seconds",
        )
    for position, arn in enumerate(wanted.managed_policy_arns):
        if not is_policy_arn(arn):
            problems.add(f"{path}.managed_policy_arns[{position}]", f"{show(arn)} is not the ARN of an IAM policy")
    if wanted.permissions_boundary and not is_policy_arn(wanted.permissions_boundary):
        problems.add(
            join(path, "permissions_boundary"), f"{show(wanted.permissions_boundary)} is not the ARN of an IAM policy"
        )
    read_tags(wanted.tags, join(path, "tags"), problems)


def _check_name(name: str, kind: str, path: str, problems: Problems) -> None:
    limit = NAME_LIMITS[kind]
    if not _NAME.fullmatch(name):
        problems.add(path, f"{show(name)} has other characters than letters, digits and _+=,.@-")
    elif len(name) > limit:
        problems.add(path, f"{show(name)} has {len(name)} characters, above {limit}")


def _check_document(document: Document, path: str, problems: Problems) -> None:
    if not document.get("Statement"):
        problems.add(path, "is no policy: it has no Statement")


def _check_shared(found: list[Wanted], problems: Problems) -> None:
    names: set[str] = set()
    roles: dict[str, str] = {}
    policies: dict[str, str] = {}
    for wanted in found:
        if wanted.name in names:
            problems.add("instance_profiles", f"{wanted.name} is listed twice")
        names.add(wanted.name)
        claims = [("role", roles, wanted.role), *(("policy", policies, name) for name in wanted.managed_policies)]
        for kind, owners, name in claims:
            owner = owners.setdefault(name, wanted.name)
            if owner != wanted.name:
                problems.add("instance_profiles", f"{owner} and {wanted.name} both want to manage {kind} {name}")
