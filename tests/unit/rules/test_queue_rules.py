# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWS does and its stand-ins do not: each rule with its source and the test that this collection keeps to it.

Sources are pages of AWS's documentation below docs.aws.amazon.com/AWSSimpleQueueService/latest/ (API: APIReference/,
Guide: SQSDeveloperGuide/), or answers of AWS as recorded by others' tests against it.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from unittest import mock

import pytest

from ansible_collections.ecommerce.sqs.plugins.module_utils._aws import client as aws_client
from ansible_collections.ecommerce.sqs.plugins.module_utils._aws.client import AwsCallError
from ansible_collections.ecommerce.sqs.plugins.module_utils._problems import InvalidInputError
from ansible_collections.ecommerce.sqs.tests.checkout import ROOT
from ansible_collections.ecommerce.sqs.tests.unit.support import engines, topologies
from ansible_collections.ecommerce.sqs.tests.unit.support.run_module import run_module
from ansible_collections.ecommerce.sqs.tests.unit.support.strict_sqs import (
    RefusedError,
    StrictSqs,
    no_such_queue,
)

ORDER = "ecommerce-order-queue"
TABLE = ROOT / "docs" / "aws-rules.md"


@dataclass(frozen=True)
class Rule:
    """A rule of AWS, where it is written, and the test of it."""

    rule: str
    source: str
    check: Callable[[], None]


RULES: list[Rule] = []


def rule(text: str, source: str) -> Callable[[Callable[[], None]], Callable[[], None]]:
    def register(check: Callable[[], None]) -> Callable[[], None]:
        RULES.append(Rule(text, source, check))
        return check

    return register


def platform() -> StrictSqs:
    service = StrictSqs()
    engines.apply_topology(service, topologies.default())
    service.forget_calls()
    return service


def order(**changes: Any) -> dict[str, Any]:
    topology = topologies.default()
    topology["queues"]["order"].update(changes)
    return topology


@rule("The name of a deleted queue is free again after 60 seconds (QueueDeletedRecently)", "API_DeleteQueue.html")
def deleted_recently_is_waited_for() -> None:
    service = platform()
    engines.delete_topology(service, topologies.default())
    began = service.now
    engines.apply_topology(service, topologies.default())
    assert len(service.queues) == 5
    assert 55 <= service.now - began <= 75


@rule("... and where waiting is off, the error says so", "API_DeleteQueue.html")
def deleted_recently_without_waiting() -> None:
    service = platform()
    engines.delete_topology(service, topologies.default())
    with pytest.raises(AwsCallError, match="You must wait 60 seconds after deleting a queue"):
        engines.apply_topology(service, topologies.default(), wait=False)


@rule("A queue may be used one second after its creation", "API_CreateQueue.html")
def the_second_after_a_creation_is_waited_once() -> None:
    service = StrictSqs()
    began = service.now
    engines.apply_topology(service, topologies.default())
    assert service.now - began == 1


@rule("Attributes take up to 60 seconds to be seen", "API_SetQueueAttributes.html")
def propagation_is_awaited_once_for_all_queues() -> None:
    service = platform()
    service.propagation = 20
    topology = topologies.default()
    for queue in topology["queues"].values():
        queue["delay_seconds"] = 1
    began = service.now
    outcome = engines.apply_topology(service, topology)
    assert outcome.not_propagated == []
    # Three queues, each late by 20 seconds, are waited for together, and the wait ends when all are seen.
    assert 20 <= service.now - began <= 25


@rule("... MessageRetentionPeriod up to 15 minutes: the wait ends with a warning", "API_SetQueueAttributes.html")
def propagation_that_takes_longer_is_told() -> None:
    service = platform()
    service.propagation = 900
    began = service.now
    outcome = engines.apply_topology(service, order(message_retention_period=400000), wait_timeout=60)
    assert outcome.not_propagated == [ORDER]
    assert service.now - began <= 60


@rule("... and waiting can be turned off", "issue 3")
def propagation_is_not_awaited_when_off() -> None:
    service = platform()
    service.propagation = 20
    began = service.now
    engines.apply_topology(service, order(delay_seconds=1), wait=False)
    assert service.now == began
    assert service.calls[-1][0] == "SetQueueAttributes"


@rule("Calls are throttled (RequestThrottled, ThrottlingException): slower, never failed", "Guide: quotas-queues.html")
def throttling_is_waited_out() -> None:
    service = StrictSqs()
    refused: Counter[str] = Counter()

    def throttle(operation: str, parameters: dict[str, Any]) -> None:
        call = f"{operation} {parameters.get('QueueName') or parameters.get('QueueUrl')}"
        refused[call] += 1
        if refused[call] <= 15:
            raise RefusedError("ThrottlingException", "Rate exceeded", query_code="RequestThrottled")

    service.fault = throttle
    topology = topologies.default()
    topology["queues"].update({f"extra{index}": {"external_consumer": True} for index in range(15)})
    # Pauses take no time here, botocore's own and those of its token bucket included.
    with mock.patch.object(time, "sleep"), mock.patch("botocore.retries.bucket.TokenBucket.acquire"):
        result = run_module("queues", service, {"topology": topology})
    assert result.get("failed") is None, result
    assert len(service.queues) == 20
    assert result["api_calls"]["CreateQueue"] == 20 * 16


@rule("The pool of calls is bounded", "issue 3")
def no_more_calls_than_workers_are_under_way() -> None:
    under_way: list[int] = []
    gauge = {"now": 0}

    def work(_item: int) -> None:
        gauge["now"] += 1
        under_way.append(gauge["now"])
        time.sleep(0.001)
        gauge["now"] -= 1

    aws_client.concurrently(work, range(100))
    assert max(under_way) <= aws_client.WORKERS


@rule("RedriveAllowPolicy is set with its queue and read back", "API_SetQueueAttributes.html")
def redrive_allow_policy_is_compared() -> None:
    service = platform()
    for attributes in (service.queues["ecommerce-dlq"].attributes, service.queues["ecommerce-dlq"].shown[0][1]):
        attributes["RedriveAllowPolicy"] = '{"redrivePermission":"denyAll"}'
    (change,) = engines.apply_topology(service, topologies.default()).changes
    assert set(change.attributes) == {"redrive_allow_policy"}
    assert service.counts()["GetQueueAttributes"] == 5 + 1


@rule("... where an endpoint does not know it, it is left out of the comparison", "moto 5.2: InvalidAttributeName")
def an_endpoint_without_redrive_allow_policy_converges() -> None:
    service = StrictSqs()
    original = service.do_GetQueueAttributes

    def read(QueueUrl: str, AttributeNames: list[str]) -> dict[str, Any]:  # noqa: N803 - AWS's names
        if "RedriveAllowPolicy" in AttributeNames:
            raise RefusedError("InvalidAttributeName", "Unknown Attribute RedriveAllowPolicy.")
        answer = original(QueueUrl, AttributeNames)
        answer["Attributes"].pop("RedriveAllowPolicy", None)
        return answer

    service.do_GetQueueAttributes = read  # type: ignore[method-assign]
    assert engines.apply_topology(service, topologies.default()).not_propagated == []
    service.forget_calls()
    outcome = engines.apply_topology(service, topologies.default())
    assert (outcome.changes, outcome.unreported) == ([], ["redrive_allow_policy"])
    assert service.writes() == []


@rule(
    "A queue has one type of server-side encryption (InvalidAttributeName for both)", "recorded answer of CreateQueue"
)
def switching_encryption_sets_one_and_clears_the_other() -> None:
    service = platform()
    for wanted in (
        {"kms_master_key_id": "alias/a"},
        {},
        {"sqs_managed_sse_enabled": False},
        {"kms_master_key_id": "alias/b"},
    ):
        engines.apply_topology(service, order(**wanted))
        attributes = service.queues[ORDER].attributes
        assert attributes.get("KmsMasterKeyId") == wanted.get("kms_master_key_id")
        assert attributes["SqsManagedSseEnabled"] == ("true" if wanted == {} else "false")


@rule("KmsDataKeyReusePeriodSeconds is not returned for a queue without a key", "API_GetQueueAttributes.html")
def the_key_period_of_an_unencrypted_queue_is_no_difference() -> None:
    service = platform()
    engines.apply_topology(service, order(kms_master_key_id="alias/a", kms_data_key_reuse_period_seconds=600))
    assert service.queues[ORDER].attributes["KmsDataKeyReusePeriodSeconds"] == "600"
    engines.apply_topology(service, topologies.default())
    assert engines.apply_topology(service, topologies.default()).changes == []


@rule("The type of a queue cannot be changed (InvalidAttributeValue)", "recorded answer of SetQueueAttributes")
def a_type_mismatch_says_that_the_queue_must_be_replaced() -> None:
    service = platform()
    with pytest.raises(
        InvalidInputError, match=r"queues\.order: ecommerce-order-queue exists as a standard queue"
    ) as caught:
        engines.apply_topology(service, order(fifo=True))
    assert "the queue must be replaced" in str(caught.value)
    assert service.writes() == []


def _vanish(code: str, query_code: str) -> None:
    service = platform()
    gone = service.url(ORDER)
    missing = {"yes": True}

    def fault(operation: str, parameters: dict[str, Any]) -> None:
        if missing["yes"] and parameters.get("QueueUrl") == gone:
            raise RefusedError(code, "The specified queue does not exist.", query_code=query_code)
        if operation == "CreateQueue":
            missing["yes"] = False

    service.fault = fault
    service.queues.pop(ORDER)
    original = service.do_ListQueues
    service.do_ListQueues = lambda **parameters: {  # type: ignore[method-assign]
        "QueueUrls": [*original(**parameters)["QueueUrls"], gone]
    }
    (change,) = engines.apply_topology(service, topologies.default()).changes
    assert (change.action, change.wanted.name) == ("create", ORDER)


@rule("No such queue: AWS.SimpleQueueService.NonExistentQueue", "recorded answers, older spelling")
def a_queue_gone_since_the_listing_is_absent_in_the_older_spelling() -> None:
    _vanish("AWS.SimpleQueueService.NonExistentQueue", "AWS.SimpleQueueService.NonExistentQueue")


@rule("... QueueDoesNotExist", "API_GetQueueAttributes.html, JSON protocol")
def a_queue_gone_since_the_listing_is_absent_in_the_newer_spelling() -> None:
    _vanish("QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue")


def _denied(operation: str) -> None:
    service = platform()

    def fault(called: str, _parameters: dict[str, Any]) -> None:
        if called == operation:
            raise RefusedError(
                "AccessDeniedException", "User: x is not authorized to perform: " + operation, status=403
            )

    service.fault = fault
    with pytest.raises(AwsCallError, match=f"sqs:{operation}"):
        engines.apply_topology(service, order(tags={"a": "b"}, visibility_timeout=60))
    assert service.writes() == []


@rule("A denied read is not an absence: ListQueues", "issue 3")
def denied_list() -> None:
    _denied("ListQueues")


@rule("... GetQueueAttributes", "issue 3")
def denied_attributes() -> None:
    _denied("GetQueueAttributes")


@rule("... ListQueueTags: not 'no tags'", "issue 3")
def denied_tags() -> None:
    _denied("ListQueueTags")


def _listed_late(code: str, query_code: str) -> None:
    service = platform()
    original_create = service.do_CreateQueue
    service.do_ListQueues = lambda **_parameters: {}  # type: ignore[method-assign]

    def create(**parameters: Any) -> dict[str, Any]:
        try:
            return original_create(**parameters)
        except RefusedError as error:
            raise RefusedError(code, error.message, query_code=query_code) from error

    service.do_CreateQueue = create  # type: ignore[method-assign]
    engines.apply_topology(service, order(visibility_timeout=60))
    assert service.queues[ORDER].attributes["VisibilityTimeout"] == "60"


@rule("ListQueues lags behind: CreateQueue of a queue with other attributes is QueueNameExists", "API_CreateQueue.html")
def a_queue_that_is_not_listed_yet_is_updated() -> None:
    _listed_late("QueueNameExists", "QueueAlreadyExists")


@rule("... QueueAlreadyExists in the older spelling", "recorded answer of CreateQueue")
def a_queue_that_is_not_listed_yet_is_updated_in_the_older_spelling() -> None:
    _listed_late("QueueAlreadyExists", "QueueAlreadyExists")


@rule(
    "A dead-letter queue must exist before its sources, and may not be seen at once", "recorded answer of CreateQueue"
)
def a_dead_letter_queue_not_seen_yet_is_waited_for() -> None:
    service = StrictSqs()
    refused: list[str] = []

    def fault(operation: str, parameters: dict[str, Any]) -> None:
        if operation == "CreateQueue" and "RedrivePolicy" in parameters["Attributes"] and len(refused) < 4:
            refused.append(parameters["QueueName"])
            raise RefusedError("InvalidParameterValue", "Reason: Dead letter target does not exist.")

    service.fault = fault
    engines.apply_topology(service, topologies.default())
    assert len(service.queues) == 5


@rule("A document is removed by the empty string; {} is refused", "recorded answer of SetQueueAttributes")
def documents_are_removed_by_the_empty_string() -> None:
    service = platform()
    engines.apply_queues(service, [{"name": ORDER, "policy": {}, "redrive_policy": {}}])
    (written,) = [
        parameters["Attributes"] for operation, parameters in service.calls if operation == "SetQueueAttributes"
    ]
    assert written == {"Policy": "", "RedrivePolicy": ""}


@rule("perMessageGroupId needs DeduplicationScope messageGroup, in the same call", "Guide: high-throughput-fifo.html")
def high_throughput_is_switched_on_in_one_call() -> None:
    service = platform()
    topology = topologies.default()
    topology["queues"]["payment"]["fifo_throughput_limit"] = "perMessageGroupId"
    engines.apply_topology(service, topology)
    (written,) = [
        parameters["Attributes"] for operation, parameters in service.calls if operation == "SetQueueAttributes"
    ]
    assert (written["FifoThroughputLimit"], written["DeduplicationScope"]) == ("perMessageGroupId", "messageGroup")


@rule("A FIFO queue without the attributes means DeduplicationScope queue, FifoThroughputLimit perQueue", "recorded")
def absent_fifo_attributes_are_their_defaults() -> None:
    service = platform()
    for attributes in (
        service.queues["ecommerce-payment-queue.fifo"].attributes,
        service.queues["ecommerce-payment-queue.fifo"].shown[0][1],
    ):
        del attributes["DeduplicationScope"], attributes["FifoThroughputLimit"]
    assert engines.apply_topology(service, topologies.default()).changes == []


@rule("A byQueue redrive-allow policy names at most 10 queues", "API_SetQueueAttributes.html")
def eleven_sources_are_refused_before_the_first_call() -> None:
    service = StrictSqs()
    allow = {"permission": "byQueue", "source_queues": [f"q{index}" for index in range(11)]}
    with pytest.raises(InvalidInputError, match="11 is above 10; use permission: allowAll"):
        engines.apply_queues(service, [{"name": "dlq", "redrive_allow_policy": allow}])
    assert service.writes() == []


@rule("A policy has at most 8192 bytes and 20 statements", "Guide: quotas-policies.html")
def a_policy_that_is_too_large_is_refused_before_the_first_call() -> None:
    service = StrictSqs()
    statements = [{"Sid": f"S{index}"} for index in range(21)]
    with pytest.raises(InvalidInputError, match="21 statements, above SQS's 20"):
        engines.apply_queues(service, [{"name": "q", "policy": {"Statement": statements}}])
    assert service.calls == [] or service.writes() == []


@rule("A condition that is read back as a list means the same as its one value", "IAM: reference_policies_grammar.html")
def equivalent_policies_are_not_written() -> None:
    service = platform()
    policy = json.loads(service.queues[ORDER].attributes["Policy"])
    policy["Statement"][0]["Action"] = ["sqs:*"]
    service.queues[ORDER].shown[0][1]["Policy"] = json.dumps(policy)
    assert engines.apply_topology(service, topologies.default()).changes == []


@rule("A race: the queue is deleted by another while its tags are read", "recorded answers")
def a_queue_gone_between_its_two_reads_is_absent() -> None:
    service = platform()

    def fault(operation: str, parameters: dict[str, Any]) -> None:
        if operation == "ListQueueTags" and parameters["QueueUrl"].endswith(ORDER):
            service.queues.pop(ORDER, None)
            raise no_such_queue()

    service.fault = fault
    engines.apply_topology(service, topologies.default())
    service.fault = lambda _operation, _parameters: None
    engines.apply_topology(service, topologies.default())
    assert ORDER in service.queues


@pytest.mark.parametrize("item", RULES, ids=lambda item: item.check.__name__)
def test_rule(item: Rule) -> None:
    assert item.source
    item.check()


def test_the_documented_table_is_this_one() -> None:
    rows = [f"| {item.rule} | {item.source} | `{item.check.__name__}` |" for item in RULES]
    written = [line for line in TABLE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    assert written[2:] == rows
