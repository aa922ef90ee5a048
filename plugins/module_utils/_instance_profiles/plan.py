# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Instance profiles with their role and policies: what is wanted, what there is, and the steps between. Pure: no I/O.

A *wanted* profile is what :func:`read_wanted` returns. An *actual* one is what ``api`` read::

    profile:   None or {role: name or None, tags: {}}
    role:      None or {description, assume_role_policy, permissions_boundary, max_session_duration, tags: {},
               attached: [policy ARNs], inline: {name: document}, other_profiles: [names]}
    policies:  {policy name: None or {document, tags: {}, other_roles: [names]}}

Steps name methods of ``api.IamApi``. Whether two policy documents mean the same is told by ``same_policy``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .._aws.steps import Step, differing_tags
from .._problems import Problems, join, show
from .._topology.policies import Document, SamePolicy

NAME_LIMITS = {"name": 128, "role": 64, "policy": 128}
"""Characters of the names of a profile, a role and a policy. Source: reference_iam-quotas.html."""
MANAGED_POLICY_CHARACTERS = 6144
"""White space does not count. Source: reference_iam-quotas.html."""
INLINE_POLICY_CHARACTERS = 10240
"""The sum of all inline policies of a role. Source: reference_iam-quotas.html."""
TAG_LIMIT = 50
_NAME = re.compile(r"[\w+=,.@-]+", re.ASCII)
_POLICY_ARN = re.compile(r"arn:aws[\w-]*:iam::(aws|\d{12}):policy/.+")


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


def plan_present(
    wanted: Wanted,
    actual: Mapping[str, Any],
    *,
    policy_arn_prefix: str,
    purge_policies: bool,
    purge_tags: bool,
    same_policy: SamePolicy,
) -> list[Step]:
    """Return the steps that turn ``actual`` into ``wanted``, in an order in which each can succeed.

    The role is complete before the profile gets it, so that no instance ever runs with half of its rights.
    :param policy_arn_prefix: ``arn:PARTITION:iam::ACCOUNT:policy/``.
    :param purge_policies: detach and delete policies of the role that are not wanted.
    :param purge_tags: remove tags that are not wanted.
    """
    return [
        *_plan_role(wanted, actual["role"], same_policy, purge_tags=purge_tags),
        *_plan_policies(wanted, actual["policies"], policy_arn_prefix, same_policy, purge_tags=purge_tags),
        *_plan_attached(wanted, actual["role"], policy_arn_prefix, purge_policies=purge_policies),
        *_plan_inline(wanted, actual["role"], same_policy, purge_policies=purge_policies),
        *(_plan_profile(wanted, actual["profile"], purge_tags=purge_tags) if wanted.with_profile else []),
    ]


def plan_absent(wanted: Wanted, actual: Mapping[str, Any], *, policy_arn_prefix: str) -> list[Step]:
    """Return the steps that remove profile, role and named policies, in the order that avoids ``DeleteConflict``."""
    steps: list[Step] = []
    if actual["profile"] is not None:
        if actual["profile"]["role"]:
            names = {"name": wanted.name, "role": actual["profile"]["role"]}
            steps.append(Step("remove_role_from_profile", names))
        steps.append(Step("delete_profile", {"name": wanted.name}))
    role = actual["role"]
    if role is not None:
        steps += [Step("detach_policy", {"role": wanted.role, "arn": arn}) for arn in role["attached"]]
        steps += [Step("delete_inline_policy", {"role": wanted.role, "name": name}) for name in role["inline"]]
        steps.append(Step("delete_role", {"name": wanted.role}))
    for name, policy in actual["policies"].items():
        if policy is not None:
            steps.append(Step("delete_policy", {"arn": policy_arn_prefix + name}))
    return steps


def removal_problems(
    wanted: Wanted, actual: Mapping[str, Any], removed: Iterable[str], users: Iterable[str]
) -> list[str]:
    """Return why the profile cannot be removed; empty when it can.

    :param removed: names of all profiles that this run removes.
    :param users: IDs of the instances that use the profile.
    """
    reasons = []
    users = sorted(users)
    if users:
        reasons.append(
            f"instance profile {wanted.name} is used by {', '.join(users)}: give them another one first "
            "(ecommerce.sqs.instance_profile_association), or set force"
        )
    others = sorted(set((actual["role"] or {}).get("other_profiles", [])) - set(removed))
    if others:
        reasons.append(f"role {wanted.role} is also in instance profile {', '.join(others)}: remove that one too")
    for name, policy in actual["policies"].items():
        foreign = sorted(set((policy or {}).get("other_roles", [])) - {wanted.role})
        if foreign:
            reasons.append(f"policy {name} is also attached to {', '.join(foreign)}: detach it there first")
    return reasons


def describe(actual: Mapping[str, Any], policy_arn_prefix: str) -> dict[str, Any]:
    """Return an actual profile as the module shows it in its result and in a diff; empty where there is nothing."""
    shown: dict[str, Any] = {}
    if actual["profile"] is not None:
        shown["instance_profile"] = {"role": actual["profile"]["role"], "tags": actual["profile"]["tags"]}
    if actual["role"] is not None:
        role = actual["role"]
        shown["role"] = {key: value for key, value in role.items() if key != "other_profiles"}
        shown["role"]["attached"] = sorted(role["attached"])
    for name, policy in actual["policies"].items():
        if policy is not None:
            shown.setdefault("managed_policies", {})[policy_arn_prefix + name] = {
                "document": policy["document"],
                "tags": policy["tags"],
            }
    return shown


def predict(wanted: Wanted, actual: Mapping[str, Any], steps: Iterable[Step]) -> dict[str, Any]:
    """Return ``actual`` as it will be once ``steps`` are done; the two together are the diff."""
    after: dict[str, Any] = json.loads(json.dumps(actual))
    for step in steps:
        _EFFECTS[step.method](after, **step.arguments)
    return after


def _plan_role(
    wanted: Wanted, role: Mapping[str, Any] | None, same_policy: SamePolicy, *, purge_tags: bool
) -> list[Step]:
    if role is None:
        arguments = {
            "name": wanted.role,
            "assume_role_policy": wanted.assume_role_policy,
            "description": wanted.description or "",
            "permissions_boundary": wanted.permissions_boundary or None,
            "max_session_duration": wanted.max_session_duration or 3600,
            "tags": wanted.tags or {},
        }
        return [Step("create_role", arguments)]
    steps = []
    if not same_policy(role["assume_role_policy"], wanted.assume_role_policy):
        arguments = {"name": wanted.role, "document": wanted.assume_role_policy}
        steps.append(Step("update_trust_policy", arguments))
    described = wanted.description is not None and wanted.description != role["description"]
    lasting = wanted.max_session_duration not in (None, role["max_session_duration"])
    if described or lasting:
        arguments = {
            "name": wanted.role,
            "description": wanted.description if described else role["description"],
            "max_session_duration": wanted.max_session_duration if lasting else role["max_session_duration"],
        }
        steps.append(Step("update_role", arguments))
    if wanted.permissions_boundary is not None and wanted.permissions_boundary != (role["permissions_boundary"] or ""):
        arguments = {"name": wanted.role, "arn": wanted.permissions_boundary or None}
        steps.append(Step("set_permissions_boundary", arguments))
    return steps + _plan_tags("role", wanted.role, wanted.tags, role["tags"], purge=purge_tags)


def _plan_policies(
    wanted: Wanted, policies: Mapping[str, Any], prefix: str, same_policy: SamePolicy, *, purge_tags: bool
) -> list[Step]:
    steps: list[Step] = []
    for name, document in wanted.managed_policies.items():
        policy = policies[name]
        if policy is None:
            steps.append(Step("create_policy", {"name": name, "document": document, "tags": wanted.tags or {}}))
            continue
        if not same_policy(policy["document"], document or {}):
            steps.append(Step("update_policy", {"arn": prefix + name, "document": document}))
        steps += _plan_tags("policy", prefix + name, wanted.tags, policy["tags"], purge=purge_tags)
    return steps


def _plan_attached(wanted: Wanted, role: Mapping[str, Any] | None, prefix: str, *, purge_policies: bool) -> list[Step]:
    attached = set((role or {}).get("attached", []))
    needed = [*(prefix + name for name in wanted.managed_policies), *wanted.managed_policy_arns]
    steps = [Step("attach_policy", {"role": wanted.role, "arn": arn}) for arn in needed if arn not in attached]
    if purge_policies:
        unwanted = sorted(attached - set(needed))
        steps += [Step("detach_policy", {"role": wanted.role, "arn": arn}) for arn in unwanted]
    return steps


def _plan_inline(
    wanted: Wanted, role: Mapping[str, Any] | None, same_policy: SamePolicy, *, purge_policies: bool
) -> list[Step]:
    inline = (role or {}).get("inline", {})
    steps = [
        Step("put_inline_policy", {"role": wanted.role, "name": name, "document": document})
        for name, document in wanted.inline_policies.items()
        if name not in inline or not same_policy(inline[name], document)
    ]
    if purge_policies:
        unwanted = [name for name in inline if name not in wanted.inline_policies]
        steps += [Step("delete_inline_policy", {"role": wanted.role, "name": name}) for name in unwanted]
    return steps


def _plan_profile(wanted: Wanted, profile: Mapping[str, Any] | None, *, purge_tags: bool) -> list[Step]:
    steps = []
    names = {"name": wanted.name, "role": wanted.role}
    if profile is None:
        steps.append(Step("create_profile", {"name": wanted.name, "tags": wanted.tags or {}}))
        return [*steps, Step("add_role_to_profile", names)]
    if profile["role"] != wanted.role:
        if profile["role"]:
            steps.append(Step("remove_role_from_profile", {"name": wanted.name, "role": profile["role"]}))
        steps.append(Step("add_role_to_profile", names))
    return steps + _plan_tags("profile", wanted.name, wanted.tags, profile["tags"], purge=purge_tags)


def _plan_tags(
    kind: str, identifier: str, wanted: Mapping[str, str] | None, actual: Mapping[str, str], *, purge: bool
) -> list[Step]:
    new, strangers = differing_tags(wanted, actual, purge=purge)
    steps = [Step("tag", {"kind": kind, "identifier": identifier, "tags": new})] if new else []
    return [*steps, Step("untag", {"kind": kind, "identifier": identifier, "keys": strangers})] if strangers else steps


def _create_role(after: Document, **arguments: Any) -> None:
    kept = {key: value for key, value in arguments.items() if key != "name"}
    after["role"] = {**kept, "attached": [], "inline": {}, "other_profiles": []}


def _create_policy(after: Document, name: str, document: Document, tags: Document) -> None:
    after["policies"][name] = {"document": document, "tags": tags, "other_roles": []}


def _tagged(after: Document, kind: str, identifier: str) -> Document:
    holder = after["policies"][identifier.rpartition("/")[2]] if kind == "policy" else after[kind]
    tags: Document = holder["tags"]
    return tags


_EFFECTS: dict[str, Any] = {
    "create_role": _create_role,
    "update_trust_policy": lambda after, name, document: after["role"].update(assume_role_policy=document),
    "update_role": lambda after, name, **values: after["role"].update(values),
    "set_permissions_boundary": lambda after, name, arn: after["role"].update(permissions_boundary=arn),
    "create_policy": _create_policy,
    "update_policy": lambda after, arn, document: after["policies"][arn.rpartition("/")[2]].update(document=document),
    "attach_policy": lambda after, role, arn: after["role"]["attached"].append(arn),
    "detach_policy": lambda after, role, arn: after["role"]["attached"].remove(arn),
    "put_inline_policy": lambda after, role, name, document: after["role"]["inline"].update({name: document}),
    "delete_inline_policy": lambda after, role, name: after["role"]["inline"].pop(name),
    "create_profile": lambda after, name, tags: after.update(profile={"role": None, "tags": tags}),
    "add_role_to_profile": lambda after, name, role: after["profile"].update(role=role),
    "remove_role_from_profile": lambda after, name, role: after["profile"].update(role=None),
    "tag": lambda after, kind, identifier, tags: _tagged(after, kind, identifier).update(tags),
    "untag": lambda after, kind, identifier, keys: [_tagged(after, kind, identifier).pop(key) for key in keys],
    "delete_profile": lambda after, name: after.update(profile=None),
    "delete_role": lambda after, name: after.update(role=None),
    "delete_policy": lambda after, arn: after["policies"].update({arn.rpartition("/")[2]: None}),
}


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
    if duration is not None and not 3600 <= duration <= 43200:
        problems.add(join(path, "max_session_duration"), f"{duration} is not within 3600 and 43200 seconds")
    for position, arn in enumerate(wanted.managed_policy_arns):
        if not _POLICY_ARN.fullmatch(arn):
            problems.add(f"{path}.managed_policy_arns[{position}]", f"{show(arn)} is not the ARN of an IAM policy")
    if wanted.permissions_boundary and not _POLICY_ARN.fullmatch(wanted.permissions_boundary):
        problems.add(
            join(path, "permissions_boundary"), f"{show(wanted.permissions_boundary)} is not the ARN of an IAM policy"
        )
    for key, value in (wanted.tags or {}).items():
        if not 1 <= len(key) <= 128 or len(value) > 256 or key.lower().startswith("aws:"):
            problems.add(
                join(path, "tags"),
                f"{show(key)}: a key has 1 to 128 characters and does not start with aws:, a value at most 256",
            )
    if len(wanted.tags or {}) > TAG_LIMIT:
        problems.add(join(path, "tags"), f"{len(wanted.tags or {})} tags are above {TAG_LIMIT}")


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
