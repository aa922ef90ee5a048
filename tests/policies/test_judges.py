# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two judges that know nothing of this project look at every policy that it generates.

``parliament`` (PyPI) lints policies. ``@cloud-copilot/iam-simulate`` (npm, AGPL, installed for this test and never
shipped) evaluates them as AWS does. What has to be allowed is written down here once more, from the topology's words,
so that the generator cannot agree with itself.
"""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
import warnings
from pathlib import Path

import pytest

from ansible_collections.ecommerce.sqs.plugins.module_utils._topology import policies
from ansible_collections.ecommerce.sqs.plugins.module_utils._topology.expand import expand
from ansible_collections.ecommerce.sqs.tests.unit.support.topologies import default

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # parliament uses pkg_resources, which warns of its own end
    import parliament

HERE = Path(__file__).parent
REGION, ACCOUNT = "ap-southeast-1", "123456789012"
ALICE = f"arn:aws:iam::{ACCOUNT}:user/alice"

LOOK_UP = {"GetQueueUrl", "GetQueueAttributes"}
SEND = {"SendMessage", *LOOK_UP}
WORK = {"ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility", *LOOK_UP}
REDRIVE = {
    "StartMessageMoveTask",
    "CancelMessageMoveTask",
    "ListMessageMoveTasks",
    "ListDeadLetterSourceQueues",
    *WORK,
}
MAY = {
    ("order", "order"): SEND,
    ("order", "payment"): WORK,
    ("order", "dlq-fifo"): SEND,
    ("payment", "order"): WORK,
    ("payment", "dlq"): SEND,
    ("payment", "payment"): SEND,
    ("payment", "notification"): SEND,
    ("notification", "notification"): WORK,
    ("notification", "dlq"): SEND,
    ("redrive", "dlq"): REDRIVE,
    ("redrive", "dlq-fifo"): REDRIVE,
    ("redrive", "order"): SEND,
    ("redrive", "payment"): SEND,
    ("redrive", "notification"): SEND,
}
"""What the default topology says: who may do what on which queue. Everything else is denied."""

QUEUES = ("order", "payment", "notification", "dlq", "dlq-fifo")
CALLERS = ("order", "payment", "notification", "redrive")


@pytest.fixture(scope="session")
def judge(tmp_path_factory):
    """iam-simulate in a folder of its own; call it with simulations, or with the words of its command line."""
    folder = tmp_path_factory.mktemp("judge")
    for name in ("package.json", "package-lock.json", "judge.js"):
        shutil.copy(HERE / name, folder)
    install = ["npm", "ci", "--silent", "--ignore-scripts", "--no-audit", "--no-fund"]
    subprocess.run(install, cwd=folder, check=True, timeout=300)

    def ask(*words, simulations=()):
        answer = subprocess.run(
            ["node", "judge.js", *words],
            cwd=folder,
            input=json.dumps(simulations),
            capture_output=True,
            text=True,
            check=True,
            timeout=300,
        )
        return json.loads(answer.stdout)

    return ask


@pytest.fixture(scope="session")
def actions(judge):
    """Every action that SQS has."""
    found = judge("actions", "sqs")
    assert {action for allowed in MAY.values() for action in allowed} <= set(found)
    return found


def expanded(**changes):
    return expand({**default(), **changes}, region=REGION, account_id=ACCOUNT)


def role_of(topology, caller):
    name = "ecommerce-redrive-role" if caller == "redrive" else topology["services"][caller]["role_name"]
    return policies.role_arn(topology, name)


def identity_policy(topology, caller):
    if caller == "redrive":
        return policies.redrive_policy_document(topology)
    return policies.service_policy(topology, caller)


def simulation(principal, action, resource, *, identity=None, resource_policy=None, **context):
    return {
        "request": {
            "principal": principal,
            "action": action,
            "resource": {"resource": resource, "accountId": ACCOUNT},
            "contextVariables": {"aws:SecureTransport": "true", **context},
        },
        "identityPolicies": [{"name": "policy", "policy": identity}] if identity else [],
        **({"resourcePolicy": resource_policy} if resource_policy else {}),
    }


def every_triple(topology, actions, **context):
    """Simulations of every caller, action and queue, with all policies in force; by what they are about."""
    triples = list(itertools.product(CALLERS, actions, QUEUES))
    return triples, [
        simulation(
            role_of(topology, caller),
            f"sqs:{action}",
            # ListQueues is about the account, not about a queue.
            "*" if action == "ListQueues" else topology["queues"][key]["arn"],
            identity=identity_policy(topology, caller),
            resource_policy=None if action == "ListQueues" else policies.queue_policy(topology, key),
            **context,
        )
        for caller, action, key in triples
    ]


@pytest.mark.parametrize("changes", [{}, {"shared_instance_profile": True}], ids=["default", "shared profile"])
def test_the_linter_finds_nothing(changes):
    topology = expanded(**changes)
    documents = [
        *(policies.service_policy(topology, service) for service in topology["services"]),
        policies.role_policy(topology, topology["services"]),
        policies.redrive_policy_document(topology),
        policies.scale_in_policy(topology, ["payment-service-asg"]),
        policies.endpoint_policy(topology),
        *(policies.queue_policy(topology, key) for key in topology["queues"]),
    ]
    for document in documents:
        analysed = parliament.analyze_policy_string(json.dumps(document))
        assert [(finding.issue, finding.detail) for finding in analysed.findings] == []


def test_allowed_exactly_where_the_topology_says(judge, actions):
    topology = expanded()
    triples, simulations = every_triple(topology, actions)
    verdicts = judge(simulations=simulations)
    assert len(verdicts) == len(CALLERS) * len(actions) * len(QUEUES)
    wrong = [
        (*triple, verdict)
        for triple, verdict in zip(triples, verdicts, strict=True)
        if verdict != ("Allowed" if triple[1] in MAY.get((triple[0], triple[2]), ()) else "ImplicitlyDenied")
    ]
    assert wrong == []


def test_plain_http_is_denied_to_everybody(judge, actions):
    about_queues = [action for action in actions if action != "ListQueues"]
    _triples, simulations = every_triple(expanded(), about_queues, **{"aws:SecureTransport": "false"})
    assert set(judge(simulations=simulations)) == {"ExplicitlyDenied"}


def test_the_queue_policy_alone_opens_nothing(judge, actions):
    """Neither to another role of the account, nor to another account, nor to a role that only has a like name."""
    topology = expanded()
    strangers = [
        f"arn:aws:iam::{ACCOUNT}:role/ecommerce-stock-role",
        "arn:aws:iam::999999999999:role/ecommerce-payment-role",
        "arn:aws:iam::999999999999:root",
    ]
    simulations = [
        simulation(
            stranger, f"sqs:{action}", queue["arn"], resource_policy=policies.queue_policy(topology, queue["key"])
        )
        for stranger in strangers
        for queue in topology["queues"].values()
        for action in actions
        if action != "ListQueues"
    ]
    assert set(judge(simulations=simulations)) == {"ImplicitlyDenied"}


def test_a_shared_profile_has_the_sum_of_the_rights_and_no_more(judge, actions):
    topology = expanded(shared_instance_profile=True)
    pairs = list(itertools.product([action for action in actions if action != "ListQueues"], QUEUES))
    role = policies.role_arn(topology, topology["services"]["order"]["role_name"])
    document = policies.role_policy(topology, topology["services"])
    verdicts = judge(
        simulations=[
            simulation(
                role,
                f"sqs:{action}",
                topology["queues"][key]["arn"],
                identity=document,
                resource_policy=policies.queue_policy(topology, key),
            )
            for action, key in pairs
        ]
    )
    for (action, key), verdict in zip(pairs, verdicts, strict=True):
        allowed = any(action in MAY.get((service, key), ()) for service in topology["services"])
        assert (verdict == "Allowed") == allowed, (action, key, verdict)


def test_only_ec2_takes_a_service_role_and_only_the_named_take_the_operators(judge):
    topology = expanded()
    role = role_of(topology, "payment")
    for_operator = policies.operator_trust_policy([ALICE])
    cases = [
        ("ec2.amazonaws.com", policies.trust_policy(topology), "Allowed"),
        ("lambda.amazonaws.com", policies.trust_policy(topology), "ImplicitlyDenied"),
        (ALICE, policies.trust_policy(topology), "ImplicitlyDenied"),
        (ALICE, for_operator, "Allowed"),
        (f"arn:aws:iam::{ACCOUNT}:user/mallory", for_operator, "ImplicitlyDenied"),
        ("ec2.amazonaws.com", for_operator, "ImplicitlyDenied"),
    ]
    verdicts = judge(
        simulations=[
            simulation(principal, "sts:AssumeRole", role, resource_policy=trust) for principal, trust, _verdict in cases
        ]
    )
    assert verdicts == [verdict for _principal, _trust, verdict in cases]


def test_messages_go_to_telephones_and_to_no_topic(judge):
    topology = expanded()
    cases = [
        ("notification", "sns:Publish", "*", "Allowed"),
        ("notification", "sns:Publish", f"arn:aws:sns:{REGION}:{ACCOUNT}:news", "ImplicitlyDenied"),
        ("payment", "sns:Publish", "*", "ImplicitlyDenied"),
    ]
    verdicts = judge(
        simulations=[
            simulation(role_of(topology, caller), action, resource, identity=policies.service_policy(topology, caller))
            for caller, action, resource, _verdict in cases
        ]
    )
    assert verdicts == [verdict for *_case, verdict in cases]


def test_a_key_is_used_through_sqs_only_and_only_by_those_who_need_it(judge):
    key, alias = "1234abcd-12ab-34cd-56ef-1234567890ab", "alias/payments"
    queues = default()["queues"]
    queues["order"]["kms_master_key_id"] = key
    queues["payment"]["kms_master_key_id"] = alias
    topology = expanded(queues=queues)
    via_sqs = {"kms:ViaService": f"sqs.{REGION}.amazonaws.com"}
    of_alias = {"kms:ResourceAliases": [alias]}
    arn = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/"
    cases = [
        ("order", "kms:GenerateDataKey", arn + key, via_sqs, True),
        ("order", "kms:GenerateDataKey", arn + key, {}, False),
        ("order", "kms:GenerateDataKey", arn + key, {"kms:ViaService": f"s3.{REGION}.amazonaws.com"}, False),
        ("payment", "kms:Decrypt", arn + key, via_sqs, True),
        ("payment", "kms:GenerateDataKey", arn + key, via_sqs, False),
        ("notification", "kms:Decrypt", arn + key, via_sqs, False),
        ("payment", "kms:GenerateDataKey", arn + "other", {**via_sqs, **of_alias}, True),
        ("payment", "kms:GenerateDataKey", arn + "other", {**via_sqs, "kms:ResourceAliases": ["alias/else"]}, False),
        ("order", "kms:Decrypt", arn + "other", {**via_sqs, **of_alias}, True),
        ("order", "kms:GenerateDataKey", arn + "other", {**via_sqs, **of_alias}, False),
        ("order", "kms:DescribeKey", arn + key, via_sqs, False),
    ]
    # The key policy that AWS gives a new key: the account's IAM policies decide.
    account = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    statement = {"Effect": "Allow", "Principal": account, "Action": "kms:*", "Resource": "*"}
    key_policy = {"Version": "2012-10-17", "Statement": [statement]}
    verdicts = judge(
        simulations=[
            simulation(
                role_of(topology, caller),
                action,
                resource,
                identity=identity_policy(topology, caller),
                resource_policy=key_policy,
                **context,
            )
            for caller, action, resource, context, _allowed in cases
        ]
    )
    wrong = [
        (case[:4], verdict)
        for case, verdict in zip(cases, verdicts, strict=True)
        if verdict != ("Allowed" if case[4] else "ImplicitlyDenied")
    ]
    assert wrong == []


def test_an_instance_drains_in_its_own_group_only(judge):
    topology = expanded()
    document = policies.scale_in_policy(topology, ["payment-service-asg"])
    group = f"arn:aws:autoscaling:{REGION}:{ACCOUNT}:autoScalingGroup:0b1c:autoScalingGroupName/"
    cases = [
        ("SetInstanceProtection", "payment-service-asg", "Allowed"),
        ("CompleteLifecycleAction", "payment-service-asg", "Allowed"),
        ("RecordLifecycleActionHeartbeat", "payment-service-asg", "Allowed"),
        ("SetInstanceProtection", "order-service-asg", "ImplicitlyDenied"),
        ("DeleteAutoScalingGroup", "payment-service-asg", "ImplicitlyDenied"),
    ]
    verdicts = judge(
        simulations=[
            simulation(role_of(topology, "payment"), f"autoscaling:{action}", group + name, identity=document)
            for action, name, _verdict in cases
        ]
    )
    assert verdicts == [verdict for *_case, verdict in cases]


def test_only_own_callers_reach_own_queues_through_the_endpoint(judge):
    topology = expanded()
    endpoint = [{"name": "endpoint", "policy": policies.endpoint_policy(topology)}]
    own, foreign = topology["queues"]["order"]["arn"], f"arn:aws:sqs:{REGION}:{ACCOUNT}:elsewhere"
    anything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}]}
    here = {"aws:PrincipalAccount": ACCOUNT}
    cases = [
        ("SendMessage", own, here, "Allowed"),
        ("StartMessageMoveTask", topology["queues"]["dlq"]["arn"], here, "Allowed"),
        ("SendMessage", foreign, here, "ImplicitlyDenied"),
        ("DeleteQueue", own, here, "ImplicitlyDenied"),
        ("SendMessage", own, {"aws:PrincipalAccount": "999999999999"}, "ImplicitlyDenied"),
    ]
    verdicts = judge(
        simulations=[
            {
                **simulation(role_of(topology, "order"), f"sqs:{action}", resource, identity=anything, **context),
                "vpcEndpointPolicies": endpoint,
            }
            for action, resource, context, _verdict in cases
        ]
    )
    assert verdicts == [verdict for *_case, verdict in cases]
