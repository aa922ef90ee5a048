# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""IAM and queue policies derived from an expanded topology. Pure: no I/O.

Every function takes the expanded topology (see ``topology.expand``) made with an account ID, because a policy
is a list of ARNs, and returns a policy document as plain data. A document never grants ``sqs:*`` and never
names a queue that the topology does not.

Rules and their sources:

* actions of a producer and a consumer: *Amazon SQS API permissions* (SQS developer guide); the batch calls are
  authorised by the singular action, so they need no entry of their own;
* encrypted queues: *Configuring KMS permissions* (SQS developer guide), limited to SQS by ``kms:ViaService``;
* TLS only: *SQS security best practices*, "Enforce encryption of data in transit";
* redrive: *Configure queue permissions for dead-letter queue redrive* (SQS developer guide);
* SMS: a telephone number has no ARN, while every topic and every mobile endpoint has one, so that all but ARNs of
  SNS is what may be published to (*Actions, resources, and condition keys for Amazon SNS*).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .names import Arn, dns_suffix, is_arn, place_of, redrive_policy_name, redrive_role_name
from .queue_attributes import policy_faults

Document = dict[str, Any]
Expanded = Mapping[str, Any]
SamePolicy = Callable[[Mapping[str, Any], Mapping[str, Any]], bool]
"""Tells whether two policy documents mean the same; plans are given it, because amazon.aws has it and they are pure."""

POLICY_VERSION = "2012-10-17"

LOOKUP_ACTIONS = ("sqs:GetQueueAttributes", "sqs:GetQueueUrl")
PRODUCER_ACTIONS = ("sqs:SendMessage", *LOOKUP_ACTIONS)
CONSUMER_ACTIONS = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", *LOOKUP_ACTIONS)
DEAD_LETTER_ACTIONS = PRODUCER_ACTIONS
REDRIVE_ACTIONS = (
    "sqs:StartMessageMoveTask",
    "sqs:CancelMessageMoveTask",
    "sqs:ListMessageMoveTasks",
    "sqs:ListDeadLetterSourceQueues",
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    # A filtered redrive by hand gives back at once what it did not want.
    "sqs:ChangeMessageVisibility",
    *LOOKUP_ACTIONS,
)
SCALE_IN_ACTIONS = (
    "autoscaling:CompleteLifecycleAction",
    "autoscaling:RecordLifecycleActionHeartbeat",
    "autoscaling:SetInstanceProtection",
)

PRODUCER_KMS_ACTIONS = ("kms:GenerateDataKey", "kms:Decrypt")
CONSUMER_KMS_ACTIONS = ("kms:Decrypt",)


def role_arn(expanded: Expanded, role_name: str) -> str:
    """ARN of the role *role_name* in the topology's account. Raises ValueError without an account ID."""
    return place_of(expanded).arn("iam", f"role/{role_name}")


def trust_policy(expanded: Expanded) -> Document:
    """Who may use a service's role: EC2 instances, nothing else."""
    return _document(
        {
            "Effect": "Allow",
            "Principal": {"Service": "ec2." + dns_suffix(expanded["partition"])},
            "Action": "sts:AssumeRole",
        }
    )


def operator_trust_policy(principal_arns: Iterable[str]) -> Document:
    """Who may use an operator's role: exactly the given users and roles (ARNs), nobody by wildcard.

    Raises ValueError when none is given, or for a ``*``.
    """
    principals = sorted(set(principal_arns))
    if not principals or any("*" in principal for principal in principals):
        raise ValueError(
            "an operator's role needs the ARNs of the users or roles who may assume it, without wildcards; got "
            + json.dumps(principals)
        )
    return _document({"Effect": "Allow", "Principal": {"AWS": _one_or_list(principals)}, "Action": "sts:AssumeRole"})


def service_policy(expanded: Expanded, service: str) -> Document:
    """What the service named *service* may do: its own queues, its own side of them.

    Raises KeyError for a service that is not in the topology.
    """
    return role_policy(expanded, [service])


def role_policy(expanded: Expanded, services: Iterable[str]) -> Document:
    """What a role shared by *services* may do: the sum of what each of them may."""
    members = [expanded["services"][service] for service in services]
    queues = expanded["queues"]
    produced = _unique(key for member in members for key in member["produces"])
    consumed = _unique(key for member in members for key in member["consumes"])
    # A worker that meets a message it can never process sends it to the DLQ itself, with the reason.
    dead_letters = _unique(queues[key]["dead_letter_queue"] for key in consumed if queues[key]["dead_letter_queue"])
    statements = [
        _allow("Produce", PRODUCER_ACTIONS, _arns(expanded, produced)),
        _allow("Consume", CONSUMER_ACTIONS, _arns(expanded, consumed)),
        _allow("DeadLetter", DEAD_LETTER_ACTIONS, _arns(expanded, dead_letters)),
    ]
    statements += _kms_statements(expanded, "Produce", PRODUCER_KMS_ACTIONS, produced + dead_letters)
    statements += _kms_statements(expanded, "Consume", CONSUMER_KMS_ACTIONS, consumed)
    if any(member["sends_sms"] for member in members):
        topics = str(Arn(expanded["partition"], "sns", "*", "*", "*"))
        statements.append({"Sid": "SendSms", "Effect": "Allow", "Action": "sns:Publish", "NotResource": topics})
    return _document(*[statement for statement in statements if statement])


def redrive_policy_document(expanded: Expanded) -> Document:
    """The operator's right to look into the DLQs and to move their messages back to the queues they came from."""
    queues = expanded["queues"]
    dead_letters = [key for key, queue in queues.items() if queue["dead_letter"]]
    sources = [key for key, queue in queues.items() if queue["dead_letter_queue"]]
    statements = [
        _allow("TakeFromDeadLetterQueues", REDRIVE_ACTIONS, _arns(expanded, dead_letters)),
        _allow("GiveBackToSources", PRODUCER_ACTIONS, _arns(expanded, sources)),
    ]
    statements += _kms_statements(expanded, "TakeFrom", CONSUMER_KMS_ACTIONS, dead_letters)
    statements += _kms_statements(expanded, "GiveBack", PRODUCER_KMS_ACTIONS, sources)
    return _document(*[statement for statement in statements if statement])


def scale_in_policy(expanded: Expanded, groups: Iterable[str]) -> Document:
    """The right of an instance to protect itself and to finish its drain in the auto-scaling groups *groups*."""
    return _document(
        _allow(
            "Drain",
            SCALE_IN_ACTIONS,
            [
                place_of(expanded).arn("autoscaling", f"autoScalingGroup:*:autoScalingGroupName/{group}")
                for group in sorted(set(groups))
            ],
        )
    )


def queue_policy(expanded: Expanded, queue_key: str) -> Document:
    """The queue's own policy: TLS or nothing, and one statement a role for what the topology says.

    A role is named by the ``aws:PrincipalArn`` condition on its account, not as the principal itself: SQS refuses
    a policy whose principal does not exist yet, so the queues could not be created before the roles, and a role
    that was deleted and made again would stay locked out behind its old internal ID.

    Raises KeyError for a queue that is not in the topology, ValueError when SQS refuses the policy for its size.
    """
    queue = expanded["queues"][queue_key]
    arn = place_of(expanded).queue_arn(queue["name"])
    statements: list[Document | None] = [
        {
            "Sid": "TlsOnly",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "sqs:*",
            "Resource": arn,
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
        _allow_roles(expanded, "Produce", PRODUCER_ACTIONS, arn, queue["producers"]),
        _allow_roles(expanded, "Consume", CONSUMER_ACTIONS, arn, queue["consumers"]),
    ]
    if queue["dead_letter"]:
        consumers_of_sources = _unique(
            consumer
            for source in expanded["queues"].values()
            if source["dead_letter_queue"] == queue_key
            for consumer in source["consumers"]
        )
        statements.append(_allow_roles(expanded, "DeadLetter", DEAD_LETTER_ACTIONS, arn, consumers_of_sources))
    document = _document(*[statement for statement in statements if statement])
    faults = policy_faults(document)
    if faults:
        raise ValueError(
            f"queues.{queue_key}: its policy {', '.join(faults)}; "
            "let services share a role (shared_instance_profile) or split the queue"
        )
    return document


def endpoint_policy(expanded: Expanded) -> Document:
    """What may pass a VPC endpoint of SQS: calls of the topology's sides and of its operator, from its own account.

    Credentials of somebody else's account, with which data could be carried out to queues there, do not pass.
    """
    actions = sorted({*PRODUCER_ACTIONS, *CONSUMER_ACTIONS, *REDRIVE_ACTIONS})
    statement = _allow("OwnQueues", actions, _arns(expanded, expanded["queues"]))
    return _document(
        {
            **(statement or {}),
            "Principal": "*",
            "Condition": {"StringEquals": {"aws:PrincipalAccount": place_of(expanded).account_id}},
        }
    )


def instance_profiles(
    expanded: Expanded, autoscaling_groups: Mapping[str, Iterable[str]] | None = None
) -> list[Document]:
    """One entry for each instance profile of the topology, as module ``instance_profile`` takes them.

    Services that share a profile share its role, and the policy is the sum of theirs.
    :param autoscaling_groups: names of the groups whose instances run a service, by service; such instances may
        protect themselves while they work, and finish their drain. Raises ValueError for a service that is not there.
    """
    unknown = sorted(set(autoscaling_groups or {}) - set(expanded["services"]))
    if unknown:
        raise ValueError(
            f"autoscaling_groups: there is no service {', '.join(unknown)}; there are {', '.join(expanded['services'])}"
        )
    members: dict[str, list[str]] = {}
    for name, service in expanded["services"].items():
        members.setdefault(service["instance_profile_name"], []).append(name)
    entries = []
    for profile_name, services in members.items():
        first = expanded["services"][services[0]]
        groups = [group for service in services for group in (autoscaling_groups or {}).get(service, [])]
        drain = [{"name": "drain", "document": scale_in_policy(expanded, groups)}] if groups else []
        entries.append(
            {
                "name": profile_name,
                "role": first["role_name"],
                "description": f"SQS access of {expanded['prefix']} {', '.join(services)}",
                "assume_role_policy": trust_policy(expanded),
                "managed_policies": [{"name": first["policy_name"], "document": role_policy(expanded, services)}],
                "inline_policies": drain,
            }
        )
    return entries


def operator_role(expanded: Expanded, principal_arns: Iterable[str]) -> Document:
    """The role with which an operator redrives, in the form of :func:`instance_profiles`, but without a profile.

    Raises ValueError as :func:`operator_trust_policy` does.
    """
    name = redrive_role_name(expanded["prefix"])
    return {
        "name": name,
        "role": name,
        "description": f"Redrive of the dead-letter queues of {expanded['prefix']}",
        "assume_role_policy": operator_trust_policy(principal_arns),
        "managed_policies": [
            {"name": redrive_policy_name(expanded["prefix"]), "document": redrive_policy_document(expanded)}
        ],
        "with_profile": False,
    }


def _allow_roles(
    expanded: Expanded, sid: str, actions: Iterable[str], arn: str, services: Iterable[str]
) -> Document | None:
    roles = sorted({role_arn(expanded, expanded["services"][service]["role_name"]) for service in services})
    statement = _allow(sid, actions, [arn] if roles else [])
    if statement:
        statement["Principal"] = {"AWS": place_of(expanded).arn("iam", "root")}
        statement["Condition"] = {"ArnEquals": {"aws:PrincipalArn": _one_or_list(roles)}}
    return statement


def _kms_statements(expanded: Expanded, sid: str, actions: Iterable[str], keys: Iterable[str]) -> list[Document]:
    """Use of the queues' KMS keys, through SQS only; an alias is allowed by its name, whatever key it points to."""
    key_ids = _unique(
        expanded["queues"][key]["kms_master_key_id"] for key in keys if expanded["queues"][key].get("kms_master_key_id")
    )
    full = [key if is_arn(key) else place_of(expanded).arn("kms", _kms_resource(key)) for key in key_ids]
    arns = [arn for arn in full if ":alias/" not in arn]
    aliases = [arn for arn in full if ":alias/" in arn]
    via_sqs = {"kms:ViaService": f"sqs.{expanded['region']}.{dns_suffix(expanded['partition'])}"}
    statements = []
    by_key = _allow(sid + "WithKey", actions, arns)
    if by_key:
        statements.append(dict(by_key, Condition={"StringEquals": via_sqs}))
    keys_behind_aliases = _unique(f"{arn.partition(':alias/')[0]}:key/*" for arn in aliases)
    by_alias = _allow(sid + "WithAlias", actions, keys_behind_aliases)
    if by_alias:
        names = [f"alias/{arn.partition(':alias/')[2]}" for arn in aliases]
        condition = {"StringEquals": via_sqs, "ForAnyValue:StringEquals": {"kms:ResourceAliases": _one_or_list(names)}}
        statements.append(dict(by_alias, Condition=condition))
    return statements


def _kms_resource(key_id: str) -> str:
    return key_id if key_id.startswith("alias/") else f"key/{key_id}"


def _allow(sid: str, actions: Iterable[str], resources: list[str]) -> Document | None:
    if not resources:
        return None
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Action": _one_or_list(list(actions)),
        "Resource": _one_or_list(resources),
    }


def _document(*statements: Document | None) -> Document:
    return {"Version": POLICY_VERSION, "Statement": [statement for statement in statements if statement]}


def _arns(expanded: Expanded, keys: Iterable[str]) -> list[str]:
    place = place_of(expanded)
    return [place.queue_arn(expanded["queues"][key]["name"]) for key in keys]


def _one_or_list(values: list[str]) -> Any:
    """As IAM gives it back: a single value stands alone."""
    return values[0] if len(values) == 1 else values


def _unique(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))
