# SPDX-License-Identifier: GPL-3.0-or-later
"""``sqs-worker check``: what is missing before a start, each with its remedy. Changes nothing, receives nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqs_worker import handlers
from sqs_worker.client import AioSqs, SqsApi
from sqs_worker.errors import ApiError, ConfigurationError
from sqs_worker.idempotency import open_store
from sqs_worker.observe.metrics import Metrics
from sqs_worker.run.queue_facts import ABSENT, QueueFacts, read_queue
from sqs_worker.settings import Settings

DENIED = ("AccessDenied", "AccessDeniedException", "AuthorizationError")
WRONG_CREDENTIALS = (
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "SignatureDoesNotMatch",
    "InvalidAccessKeyId",
)
NO_HANDLE = "sqs-worker-check"  # no receipt handle: the permission is judged first, then the handle refused


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; ``remedy`` is empty when it is in order."""

    subject: str
    detail: str
    remedy: str = ""


async def check(settings: Settings) -> list[Finding]:
    """Look at everything a start needs."""
    findings = [Finding("settings", "complete and valid")]
    findings.append(await _handler(settings))
    if settings.idempotency_store is not None:
        findings.append(await asyncio.to_thread(_idempotency, settings))
    api: SqsApi | None = None
    try:
        api = AioSqs(connections=10, metrics=Metrics(settings.name, settings.queue_url))
        findings += await _queue(api, settings)
    except ConfigurationError as error:
        findings += [Finding("region", problem, "set it in the .env file") for problem in error.problems]
    finally:
        if api is not None:
            await api.close()
    return findings


async def _handler(settings: Settings) -> Finding:
    try:
        handler = handlers.load(settings)
    except ConfigurationError as error:
        return Finding(
            "handler", error.problems[0], "correct SQS_WORKER_HANDLER, or start in the application's directory"
        )
    except Exception as error:
        return Finding(
            "handler", f"{type(error).__name__}: {error}", "correct what the module does when it is imported"
        )
    await handler.close()
    return Finding("handler", settings.handler)


def _idempotency(settings: Settings) -> Finding:
    try:
        open_store(settings.idempotency_store or "", settings.idempotency_ttl)
    except ConfigurationError as error:
        return Finding("idempotency store", error.problems[0], "correct SQS_WORKER_IDEMPOTENCY_STORE or its database")
    return Finding("idempotency store", "reachable")


async def _queue(api: SqsApi, settings: Settings) -> list[Finding]:
    try:
        facts = await read_queue(api, settings.queue_url, attempts=2)
    except ApiError as error:
        return [Finding("queue", str(error), _remedy(error, settings.queue_url, "sqs:GetQueueAttributes"))]
    findings = [
        Finding("queue", f"{settings.queue_url}, visibility timeout {facts.visibility_timeout:g} s"),
        _deadline(settings, facts),
    ]
    url = settings.queue_url
    handle = {"QueueUrl": url, "ReceiptHandle": NO_HANDLE}
    probes: list[tuple[str, str, str, dict[str, Any]]] = [
        ("sqs:DeleteMessage", url, "DeleteMessage", handle),
        ("sqs:ChangeMessageVisibility", url, "ChangeMessageVisibility", handle | {"VisibilityTimeout": 0}),
        ("sqs:ReceiveMessage", url, "ReceiveMessage", {"QueueUrl": url, "MaxNumberOfMessages": 0}),
    ]
    if settings.dead_letter_queue_url is not None:
        dead_letters = settings.dead_letter_queue_url
        probes.append(("sqs:SendMessage", dead_letters, "SendMessage", {"QueueUrl": dead_letters, "MessageBody": ""}))
    else:
        findings.append(_dead_letters(facts))
    findings += await asyncio.gather(*(_permission(api, *probe) for probe in probes))
    return findings


def _deadline(settings: Settings, facts: QueueFacts) -> Finding:
    visibility = settings.visibility_timeout or facts.visibility_timeout
    if settings.deadline is not None and settings.deadline >= visibility:
        return Finding(
            "deadline",
            f"SQS_WORKER_DEADLINE {settings.deadline:g} s is not below the visibility timeout of {visibility:g} s",
            "lower the deadline or raise the visibility timeout: else a message may be handled twice at a time",
        )
    return Finding("deadline", "none" if settings.deadline is None else f"{settings.deadline:g} s")


def _dead_letters(facts: QueueFacts) -> Finding:
    if facts.max_receive_count is None:
        return Finding(
            "dead-letter queue",
            "the queue has no redrive policy, and SQS_WORKER_DEAD_LETTER_QUEUE_URL is not set",
            "give the queue a dead-letter queue: a message that always fails would be repeated until it expires",
        )
    return Finding(
        "dead-letter queue",
        "SQS_WORKER_DEAD_LETTER_QUEUE_URL is not set",
        f"set it: until then fatal messages are tried {facts.max_receive_count} times, and arrive without their reason",
    )


async def _permission(api: SqsApi, action: str, queue_url: str, operation: str, parameters: dict[str, Any]) -> Finding:
    """Ask for something SQS refuses even to those who may: only a refusal for want of permission counts."""
    try:
        await api.call(operation, parameters, attempts=2)
    except ApiError as error:
        if error.retryable or error.code in (*DENIED, *ABSENT, *WRONG_CREDENTIALS):
            return Finding(action, str(error), _remedy(error, queue_url, action))
    return Finding(action, f"allowed on {queue_url}")


def _remedy(error: ApiError, queue_url: str, action: str) -> str:
    if error.code in DENIED:
        return f"allow {action} on this queue in the policy of the instance's role"
    if error.code in ABSENT:
        return f"create the queue, or correct its URL: {queue_url}"
    if error.code == "NoCredentials" or error.code in WRONG_CREDENTIALS:
        return "attach an instance profile to the host, or correct AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    return "see that the endpoint is reachable: AWS_ENDPOINT_URL, AWS_REGION, network, VPC endpoint policy"


def render(findings: list[Finding], write: Callable[[str], Any]) -> bool:
    """Write the findings, one a line; whether all is in order."""
    for finding in findings:
        write(f"{'FAILED' if finding.remedy else 'ok':<7} {finding.subject}: {finding.detail}")
        if finding.remedy:
            write(f"        remedy: {finding.remedy}")
    return not any(finding.remedy for finding in findings)
