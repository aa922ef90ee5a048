"""Instance profiles with their role and policies: the steps from what there is to what is wanted. Pure: no I/O.

A *wanted* profile is what ``wanted`` read. An *actual* one is what ``api`` read::

    profile:   None or {role: name or None, tags: {}}
    role:      None or {description, assume_role_policy, permissions_boundary, max_session_duration, tags: {},
               attached: [policy ARNs], inline: {name: document}, other_profiles: [names]}
    policies:  {policy name: None or {document, tags: {}, other_roles: [names]}}

Steps name methods of ``api.IamApi``. Whether two policy documents mean the same is told by ``same_policy``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from .._aws.steps import Step
from .._topology.names import Place, name_in
from .._topology.policies import Document, SamePolicy
from .._topology.tags import differing_tags
from .wanted import Wanted


def plan_present(
    wanted: Wanted,
    actual: Mapping[str, Any],
    *,
    place: Place,
    purge_policies: bool,
    purge_tags: bool,
    same_policy: SamePolicy,
) -> list[Step]:
    """Return the steps that turn ``actual`` into ``wanted``, in an order in which each can succeed.

    The role is complete before the profile gets it, so that no instance ever runs with half of its rights.
    :param place: the account, for the ARNs of its policies.
    :param purge_policies: detach and delete policies of the role that are not wanted.
    :param purge_tags: remove tags that are not wanted.
    """
    return [
        *_plan_role(wanted, actual["role"], same_policy, purge_tags=purge_tags),
        *_plan_policies(wanted, actual["policies"], place, same_policy, purge_tags=purge_tags),
        *_plan_attached(wanted, actual["role"], place, purge_policies=purge_policies),
        *_plan_inline(wanted, actual["role"], same_policy, purge_policies=purge_policies),
        *(_plan_profile(wanted, actual["profile"], purge_tags=purge_tags) if wanted.with_profile else []),
    ]


def plan_absent(wanted: Wanted, actual: Mapping[str, Any], *, place: Place) -> list[Step]:
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
            steps.append(Step("delete_policy", {"arn": _policy_arn(place, name)}))
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


def describe(actual: Mapping[str, Any], place: Place) -> dict[str, Any]:
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
            shown.setdefault("managed_policies", {})[_policy_arn(place, name)] = {
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


def _policy_arn(place: Place, name: str) -> str:
    return place.arn("iam", f"policy/{name}")


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
    wanted: Wanted, policies: Mapping[str, Any], place: Place, same_policy: SamePolicy, *, purge_tags: bool
) -> list[Step]:
    steps: list[Step] = []
    for name, document in wanted.managed_policies.items():
        policy, arn = policies[name], _policy_arn(place, name)
        if policy is None:
            steps.append(Step("create_policy", {"name": name, "document": document, "tags": wanted.tags or {}}))
            continue
        if not same_policy(policy["document"], document or {}):
            steps.append(Step("update_policy", {"arn": arn, "document": document}))
        steps += _plan_tags("policy", arn, wanted.tags, policy["tags"], purge=purge_tags)
    return steps


def _plan_attached(wanted: Wanted, role: Mapping[str, Any] | None, place: Place, *, purge_policies: bool) -> list[Step]:
    attached = set((role or {}).get("attached", []))
    needed = [*(_policy_arn(place, name) for name in wanted.managed_policies), *wanted.managed_policy_arns]
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
    holder = after["policies"][name_in(identifier)] if kind == "policy" else after[kind]
    tags: Document = holder["tags"]
    return tags


_EFFECTS: dict[str, Any] = {
    "create_role": _create_role,
    "update_trust_policy": lambda after, name, document: after["role"].update(assume_role_policy=document),
    "update_role": lambda after, name, **values: after["role"].update(values),
    "set_permissions_boundary": lambda after, name, arn: after["role"].update(permissions_boundary=arn),
    "create_policy": _create_policy,
    "update_policy": lambda after, arn, document: after["policies"][name_in(arn)].update(document=document),
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
    "delete_policy": lambda after, arn: after["policies"].update({name_in(arn): None}),
}
