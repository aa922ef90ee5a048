# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the generated policies grant, and to whom. Whether AWS would agree is for the judges in tests/policies."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ecommerce.sqs.plugins.module_utils._topology import policies
from ansible_collections.ecommerce.sqs.plugins.module_utils._topology.expand import expand
from ansible_collections.ecommerce.sqs.tests.unit.support.topologies import default

REGION = "ap-southeast-1"
ACCOUNT = "123456789012"
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:ecommerce-"


def topology(**changes):
    return {**default(), **changes}


def expanded(place=None, **changes):
    return expand(topology(**changes), **{"region": REGION, "account_id": ACCOUNT, **(place or {})})


def as_list(value):
    return value if isinstance(value, list) else [value]


def grants(document):
    """Every (action, resource) that the document allows."""
    return {
        (action, resource)
        for statement in document["Statement"]
        if statement["Effect"] == "Allow"
        for action in as_list(statement["Action"])
        for resource in as_list(statement.get("Resource", []))
    }


def statement(document, sid):
    return next(item for item in document["Statement"] if item["Sid"] == sid)


@pytest.mark.parametrize("service", ["order", "payment", "notification"])
def test_a_host_that_sets_itself_up_may_look_up_each_queue_that_its_service_names(service):
    topology = expanded()
    described = topology["services"][service]
    keys = {*described["env"].values(), *(worker["dead_letter_queue"] for worker in described["workers"])} - {None}
    allowed = {
        resource for action, resource in grants(policies.service_policy(topology, service)) if "GetQueueUrl" in action
    }
    assert {topology["queues"][key]["arn"] for key in keys} <= allowed


def test_the_order_service_sends_orders_and_works_on_payments_only():
    assert grants(policies.service_policy(expanded(), "order")) == {
        ("sqs:SendMessage", QUEUE + "order-queue"),
        ("sqs:GetQueueUrl", QUEUE + "order-queue"),
        ("sqs:GetQueueAttributes", QUEUE + "order-queue"),
        ("sqs:ReceiveMessage", QUEUE + "payment-queue.fifo"),
        ("sqs:DeleteMessage", QUEUE + "payment-queue.fifo"),
        ("sqs:ChangeMessageVisibility", QUEUE + "payment-queue.fifo"),
        ("sqs:GetQueueUrl", QUEUE + "payment-queue.fifo"),
        ("sqs:GetQueueAttributes", QUEUE + "payment-queue.fifo"),
        ("sqs:SendMessage", QUEUE + "dlq.fifo"),
        ("sqs:GetQueueUrl", QUEUE + "dlq.fifo"),
        ("sqs:GetQueueAttributes", QUEUE + "dlq.fifo"),
    }


def test_a_producer_gets_no_consumer_statement():
    document = policies.service_policy(
        expanded(services={"shop": {"produces": ["order", "payment", "notification"]}, **topology()["services"]}),
        "shop",
    )
    assert [item["Sid"] for item in document["Statement"]] == ["Produce"]


def test_sms_goes_to_telephones_and_never_to_a_topic():
    document = policies.service_policy(expanded(), "notification")
    assert statement(document, "SendSms") == {
        "Sid": "SendSms",
        "Effect": "Allow",
        "Action": "sns:Publish",
        "NotResource": "arn:aws:sns:*:*:*",
    }
    assert "sns:" not in json.dumps(policies.service_policy(expanded(), "payment"))


@pytest.mark.parametrize(
    ("key", "resource", "by_alias"),
    [
        ("alias/orders", f"arn:aws:kms:{REGION}:{ACCOUNT}:key/*", "alias/orders"),
        (f"arn:aws:kms:{REGION}:999999999999:alias/orders", f"arn:aws:kms:{REGION}:999999999999:key/*", "alias/orders"),
        ("1234-abcd", f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234-abcd", None),
        (f"arn:aws:kms:{REGION}:999999999999:key/1234", f"arn:aws:kms:{REGION}:999999999999:key/1234", None),
    ],
)
def test_an_encrypted_queue_lets_its_services_use_its_key_through_sqs_only(key, resource, by_alias):
    queues = topology()["queues"]
    queues["order"]["kms_master_key_id"] = key
    topo = expanded(queues=queues)
    sid = "WithAlias" if by_alias else "WithKey"

    sender = statement(policies.service_policy(topo, "order"), "Produce" + sid)
    assert sender["Action"] == ["kms:GenerateDataKey", "kms:Decrypt"]
    assert sender["Resource"] == resource
    assert sender["Condition"]["StringEquals"] == {"kms:ViaService": f"sqs.{REGION}.amazonaws.com"}
    assert sender["Condition"].get("ForAnyValue:StringEquals") == (
        {"kms:ResourceAliases": by_alias} if by_alias else None
    )
    assert statement(policies.service_policy(topo, "payment"), "Consume" + sid)["Action"] == "kms:Decrypt"
    assert "kms:" not in json.dumps(policies.service_policy(topo, "notification"))


def test_a_worker_may_dead_letter_into_an_encrypted_dlq():
    topo = expanded(dead_letter_queue={"kms_master_key_id": "alias/dead"})
    assert "kms:GenerateDataKey" in statement(policies.service_policy(topo, "payment"), "ProduceWithAlias")["Action"]


def test_the_queue_policy_lists_each_side_by_role():
    topo = expanded()
    document = policies.queue_policy(topo, "order")
    assert statement(document, "TlsOnly") == {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sqs:*",
        "Resource": QUEUE + "order-queue",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    role = f"arn:aws:iam::{ACCOUNT}:role/ecommerce-"
    assert statement(document, "Produce")["Condition"] == {"ArnEquals": {"aws:PrincipalArn": role + "order-role"}}
    assert statement(document, "Consume")["Condition"] == {"ArnEquals": {"aws:PrincipalArn": role + "payment-role"}}
    assert statement(policies.queue_policy(topo, "dlq"), "DeadLetter")["Condition"] == {
        "ArnEquals": {"aws:PrincipalArn": [role + "notification-role", role + "payment-role"]}
    }
    assert statement(policies.queue_policy(topo, "dlq-fifo"), "DeadLetter")["Condition"] == {
        "ArnEquals": {"aws:PrincipalArn": role + "order-role"}
    }


def test_no_principal_has_to_exist_before_the_queue():
    """SQS refuses a policy that names a role which is not there; queues are the first thing an operator makes."""
    for key in expanded()["queues"]:
        for item in policies.queue_policy(expanded(), key)["Statement"]:
            assert item["Principal"] in ("*", {"AWS": f"arn:aws:iam::{ACCOUNT}:root"})


def test_a_shared_profile_is_one_profile_with_the_sum_of_the_rights():
    (entry,) = policies.instance_profiles(expanded(shared_instance_profile=True))
    assert entry["name"] == "ecommerce-ec2-instance-profile"
    (policy,) = entry["managed_policies"]
    separate = set().union(*(grants(policies.service_policy(expanded(), name)) for name in topology()["services"]))
    assert grants(policy["document"]) == separate


def test_each_service_has_a_profile_of_its_own_by_default():
    entries = policies.instance_profiles(expanded())
    assert [(entry["name"], entry["role"]) for entry in entries] == [
        (f"ecommerce-{name}-instance-profile", f"ecommerce-{name}-role") for name in topology()["services"]
    ]


def test_only_ec2_may_take_a_service_role():
    assert policies.trust_policy(expanded())["Statement"] == [
        {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ]


def test_china_has_its_own_partition_and_domain():
    topo = expanded(place={"region": "cn-north-1"})
    assert policies.trust_policy(topo)["Statement"][0]["Principal"] == {"Service": "ec2.amazonaws.com.cn"}
    text = json.dumps([policies.queue_policy(topo, "order"), policies.service_policy(topo, "notification")])
    assert "arn:aws:" not in text
    assert f"arn:aws-cn:sqs:cn-north-1:{ACCOUNT}:ecommerce-order-queue" in text


def test_the_operator_takes_from_dlqs_and_gives_back_to_sources():
    granted = grants(policies.redrive_policy_document(expanded()))
    assert ("sqs:StartMessageMoveTask", QUEUE + "dlq") in granted
    assert ("sqs:StartMessageMoveTask", QUEUE + "order-queue") not in granted
    assert ("sqs:SendMessage", QUEUE + "order-queue") in granted
    assert ("sqs:ReceiveMessage", QUEUE + "order-queue") not in granted


def test_a_queue_without_dlq_is_not_a_redrive_destination():
    queues = topology()["queues"]
    queues["order"]["dead_letter"] = False
    assert ("sqs:SendMessage", QUEUE + "order-queue") not in grants(
        policies.redrive_policy_document(expanded(queues=queues))
    )


@pytest.mark.parametrize("principals", [[], ["*"], ["arn:aws:iam::123456789012:user/*"]])
def test_an_operator_role_for_everybody_is_refused(principals):
    with pytest.raises(ValueError, match="needs the ARNs"):
        policies.operator_trust_policy(principals)


def test_draining_is_limited_to_the_group():
    (item,) = policies.scale_in_policy(expanded(), ["payment-service-asg"])["Statement"]
    assert item["Resource"] == (
        f"arn:aws:autoscaling:{REGION}:{ACCOUNT}:autoScalingGroup:*:autoScalingGroupName/payment-service-asg"
    )


def test_without_an_account_there_is_no_policy():
    with pytest.raises(ValueError, match="account_id"):
        policies.service_policy(expanded(place={"account_id": None}), "order")


def test_a_queue_policy_over_the_limit_names_the_queue_and_the_way_out():
    many = {f"a-service-with-a-long-name-{number:03}": {"produces": ["order"]} for number in range(110)}
    topo = expanded(services={**topology()["services"], **many})
    with pytest.raises(ValueError, match=r"queues\.order: its policy has \d+ bytes.*shared_instance_profile"):
        policies.queue_policy(topo, "order")


KEYS = ["order", "payment", "notification", "stock"]


@st.composite
def topologies(draw):
    queues = {
        key: {"fifo": draw(st.booleans()), "external_consumer": True, "dead_letter": draw(st.booleans())}
        for key in KEYS
    }
    sides = st.lists(st.sampled_from(KEYS), unique=True, max_size=4)
    names = draw(st.lists(st.sampled_from(["a", "b", "c"]), unique=True, min_size=1))
    services = {name: {"produces": draw(sides), "consumes": draw(sides), "sends_sms": True} for name in names}
    return {"prefix": "p", "queues": queues, "services": services, "shared_instance_profile": draw(st.booleans())}


@given(topologies())
def test_every_grant_follows_from_the_topology_and_none_is_a_wildcard(declared):
    topo = expand(declared, region=REGION, account_id=ACCOUNT)
    for name, service in topo["services"].items():
        dead = {topo["queues"][key]["dead_letter_queue"] for key in service["consumes"]} - {None}
        wanted = {("sqs:ReceiveMessage", topo["queues"][key]["arn"]) for key in service["consumes"]} | {
            ("sqs:SendMessage", topo["queues"][key]["arn"]) for key in [*service["produces"], *dead]
        }
        granted = grants(policies.service_policy(topo, name))
        assert {pair for pair in granted if pair[0] in ("sqs:ReceiveMessage", "sqs:SendMessage")} == wanted
        assert not any("*" in action for action, _resource in granted)
        assert not any("*" in resource for _action, resource in granted)


@given(topologies())
def test_the_queue_policy_and_the_role_policies_say_the_same(declared):
    topo = expand(declared, region=REGION, account_id=ACCOUNT)
    by_role: dict[str, set] = {}
    for entry in policies.instance_profiles(topo):
        (policy,) = entry["managed_policies"]
        arn = policies.role_arn(topo, entry["role"])
        by_role[arn] = {pair for pair in grants(policy["document"]) if pair[0].startswith("sqs:")}
    from_queues: dict[str, set] = {arn: set() for arn in by_role}
    for key in topo["queues"]:
        for item in policies.queue_policy(topo, key)["Statement"]:
            if item["Effect"] == "Allow":
                for arn in as_list(item["Condition"]["ArnEquals"]["aws:PrincipalArn"]):
                    from_queues[arn] |= grants({"Statement": [item]})
    assert from_queues == by_role


ROLE = f"arn:aws:iam::{ACCOUNT}:role/ecommerce-"
LOOKUP = ["sqs:GetQueueAttributes", "sqs:GetQueueUrl"]
SEND = ["sqs:SendMessage", *LOOKUP]
WORK = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", *LOOKUP]


def allow(sid, actions, resources, **more):
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources, **more}


def document_of(*statements):
    return {"Version": "2012-10-17", "Statement": list(statements)}


def test_all_that_a_role_says():
    assert policies.service_policy(expanded(), "payment") == document_of(
        allow("Produce", SEND, [QUEUE + "payment-queue.fifo", QUEUE + "notification-queue"]),
        allow("Consume", WORK, QUEUE + "order-queue"),
        allow("DeadLetter", SEND, QUEUE + "dlq"),
    )


def test_all_that_a_queue_says():
    def role(name):
        return {
            "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
            "Condition": {"ArnEquals": {"aws:PrincipalArn": ROLE + name}},
        }

    tls, *rest = policies.queue_policy(expanded(), "order")["Statement"]
    assert tls["Sid"] == "TlsOnly"
    assert rest == [
        allow("Produce", SEND, QUEUE + "order-queue", **role("order-role")),
        allow("Consume", WORK, QUEUE + "order-queue", **role("payment-role")),
    ]
    _tls, dead = policies.queue_policy(expanded(), "dlq-fifo")["Statement"]
    assert dead == allow("DeadLetter", SEND, QUEUE + "dlq.fifo", **role("order-role"))
    assert policies.queue_policy(expanded(), "order")["Version"] == "2012-10-17"


def test_a_role_that_two_sides_share_is_named_once():
    topo = expanded(shared_instance_profile=True)
    dead = statement(policies.queue_policy(topo, "dlq"), "DeadLetter")
    assert dead["Condition"] == {"ArnEquals": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/ecommerce-ec2-role"}}


def test_a_queue_without_a_side_has_no_statement_for_it():
    queues = {**topology()["queues"], "stock": {"external_consumer": True}}
    assert [item["Sid"] for item in policies.queue_policy(expanded(queues=queues), "stock")["Statement"]] == ["TlsOnly"]


def test_all_that_an_operator_may():
    take = [
        "sqs:StartMessageMoveTask",
        "sqs:CancelMessageMoveTask",
        "sqs:ListMessageMoveTasks",
        "sqs:ListDeadLetterSourceQueues",
        "sqs:ReceiveMessage",
        "sqs:DeleteMessage",
        "sqs:ChangeMessageVisibility",
        *LOOKUP,
    ]
    expected = document_of(
        allow("TakeFromDeadLetterQueues", take, [QUEUE + "dlq", QUEUE + "dlq.fifo"]),
        allow(
            "GiveBackToSources",
            SEND,
            [QUEUE + "order-queue", QUEUE + "payment-queue.fifo", QUEUE + "notification-queue"],
        ),
    )
    assert policies.redrive_policy_document(expanded()) == expected
    user = f"arn:aws:iam::{ACCOUNT}:user/ann"
    assert policies.operator_role(expanded(), [user]) == {
        "name": "ecommerce-redrive-role",
        "role": "ecommerce-redrive-role",
        "description": "Redrive of the dead-letter queues of ecommerce",
        "assume_role_policy": document_of(
            {"Effect": "Allow", "Principal": {"AWS": user}, "Action": "sts:AssumeRole"},
        ),
        "managed_policies": [{"name": "ecommerce-redrive-policy", "document": expected}],
        "with_profile": False,
    }


def test_operators_are_named_once_and_in_order():
    users = [f"arn:aws:iam::{ACCOUNT}:user/{name}" for name in ("zoe", "ann", "zoe")]
    (item,) = policies.operator_trust_policy(users)["Statement"]
    assert item["Principal"] == {"AWS": sorted(set(users))}
    with pytest.raises(ValueError, match=r'got \["\*"\]'):
        policies.operator_trust_policy(["*"])
    with pytest.raises(ValueError, match="needs the ARNs"):
        policies.operator_trust_policy([*users, "*"])


def test_an_operator_reads_encrypted_dlqs_and_writes_encrypted_queues():
    queues = topology()["queues"]
    queues["order"]["kms_master_key_id"] = "alias/orders"
    topo = expanded(queues=queues, dead_letter_queue={"kms_master_key_id": "1234"})
    document = policies.redrive_policy_document(topo)
    via = {"StringEquals": {"kms:ViaService": f"sqs.{REGION}.amazonaws.com"}}
    key = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/"
    assert document["Statement"][2:] == [
        allow("TakeFromWithKey", "kms:Decrypt", key + "1234", Condition=via),
        allow(
            "GiveBackWithAlias",
            ["kms:GenerateDataKey", "kms:Decrypt"],
            key + "*",
            Condition={**via, "ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/orders"}},
        ),
    ]


def test_keys_and_aliases_are_named_once_each():
    queues = topology()["queues"]
    for queue, key in (("order", "alias/a"), ("payment", "alias/b"), ("notification", "alias/a")):
        queues[queue]["kms_master_key_id"] = key
    topo = expanded(queues=queues, services={"shop": {"produces": list(queues), "consumes": list(queues)}})
    made = statement(policies.service_policy(topo, "shop"), "ProduceWithAlias")
    assert made["Resource"] == f"arn:aws:kms:{REGION}:{ACCOUNT}:key/*"
    assert made["Condition"]["ForAnyValue:StringEquals"] == {"kms:ResourceAliases": ["alias/a", "alias/b"]}


def test_what_may_pass_the_endpoint_of_a_vpc():
    (item,) = policies.endpoint_policy(expanded())["Statement"]
    actions = item.pop("Action")
    assert actions == sorted({*SEND, *WORK, *policies.REDRIVE_ACTIONS})
    assert item == {
        "Sid": "OwnQueues",
        "Effect": "Allow",
        "Principal": "*",
        "Resource": [queue["arn"] for queue in expanded()["queues"].values()],
        "Condition": {"StringEquals": {"aws:PrincipalAccount": ACCOUNT}},
    }


def test_an_instance_may_drain_in_its_groups():
    (item,) = policies.scale_in_policy(expanded(), ["b", "a", "b"])["Statement"]
    group = f"arn:aws:autoscaling:{REGION}:{ACCOUNT}:autoScalingGroup:*:autoScalingGroupName/"
    actions = ["CompleteLifecycleAction", "RecordLifecycleActionHeartbeat", "SetInstanceProtection"]
    assert item == allow("Drain", [f"autoscaling:{name}" for name in actions], [group + "a", group + "b"])


def test_all_that_an_instance_profile_has():
    topo = expanded()
    order, payment, _notification = policies.instance_profiles(topo, {"payment": ["asg"]})
    assert payment == {
        "name": "ecommerce-payment-instance-profile",
        "role": "ecommerce-payment-role",
        "description": "SQS access of ecommerce payment",
        "assume_role_policy": policies.trust_policy(topo),
        "managed_policies": [
            {"name": "ecommerce-payment-sqs-policy", "document": policies.service_policy(topo, "payment")}
        ],
        "inline_policies": [{"name": "drain", "document": policies.scale_in_policy(topo, ["asg"])}],
    }
    assert order["inline_policies"] == []
    assert policies.instance_profiles(topo, {"payment": []}) == policies.instance_profiles(topo)


def test_services_that_share_a_profile_share_their_groups():
    topo = expanded(shared_instance_profile=True)
    (entry,) = policies.instance_profiles(topo, {"payment": ["p"], "order": ["o"]})
    assert entry["description"] == "SQS access of ecommerce order, payment, notification"
    assert entry["inline_policies"] == [{"name": "drain", "document": policies.scale_in_policy(topo, ["o", "p"])}]


def test_groups_of_a_service_that_is_not_there_are_refused():
    with pytest.raises(ValueError, match="there is no service x, y; there are order, payment, notification"):
        policies.instance_profiles(expanded(), {"y": ["a"], "order": ["b"], "x": ["c"]})


@pytest.mark.parametrize("services", [["order"], ["notification", "payment"]])
def test_sms_is_for_a_role_of_which_one_service_sends_them(services):
    sids = [item["Sid"] for item in policies.role_policy(expanded(), services)["Statement"]]
    assert ("SendSms" in sids) == ("notification" in services)
