# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every use of AWS has in common: clients that wait out throttling, a bounded pool, errors that say what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

try:
    from botocore.config import Config
    from botocore.exceptions import (
        ClientError,
        ConnectTimeoutError,
        EndpointConnectionError,
        NoCredentialsError,
        PartialCredentialsError,
    )
except ImportError:
    pass  # AnsibleAWSModule says so, with the way out.

Item = TypeVar("Item")
Result = TypeVar("Result")

WORKERS = 8
"""Calls under way at once. More do not help: with boto3 the limit is the CPU."""

DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError")
BAD_CREDENTIALS = (
    "AuthFailure",
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
)


def connect(module: Any, service: str) -> Any:
    """Return a boto3 client of ``service`` with the connection options of an AnsibleAWSModule.

    Adaptive retries slow down when AWS throttles, so that a throttled run takes longer and does not fail.
    """
    config = Config(retries={"mode": "adaptive", "total_max_attempts": 12}, max_pool_connections=WORKERS)
    return module.client(service, config=config)


def concurrently(function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """Return ``function`` of every item, in their order, with at most ``WORKERS`` under way.

    Every call that was started ends before the first error, in the order of the items, is raised.
    """
    with ThreadPoolExecutor(max_workers=WORKERS) as pool:
        futures = [pool.submit(function, item) for item in items]
    return [future.result() for future in futures]


def error_code(error: Exception) -> str:
    """Return AWS's code of an error, such as ``NoSuchEntity``; empty for one that did not come from AWS."""
    response: dict[str, Any] = getattr(error, "response", {})
    return str(response.get("Error", {}).get("Code", "")).replace("Client.", "")


def error_message(error: Exception) -> str:
    """Return AWS's own words."""
    response: dict[str, Any] = getattr(error, "response", {})
    return str(response.get("Error", {}).get("Message", "")) or str(error)


def explain(error: Exception, clients: Iterable[Any]) -> str:
    """Return one message for an error of botocore: what was tried, what AWS said, and the way out.

    ``clients`` are those in use; they tell which service the failed operation belongs to.
    """
    if isinstance(error, (NoCredentialsError, PartialCredentialsError)):
        return (
            f"AWS credentials are missing ({error}): set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
            "or run where an instance profile or SSO provides them"
        )
    if isinstance(error, (EndpointConnectionError, ConnectTimeoutError)):
        return f"AWS does not answer ({error}): check the network, the region and, where it is set, AWS_ENDPOINT_URL"
    if not isinstance(error, ClientError):
        return str(error)
    action = _action(error.operation_name, clients)
    if error_code(error) in DENIED:
        return (
            f"not allowed to call {action}: add {action} to the policy of the caller. AWS says: {error_message(error)}"
        )
    if error_code(error) in BAD_CREDENTIALS:
        return f"AWS refuses the credentials at {action}: renew or correct them. AWS says: {error_message(error)}"
    return f"{action} failed with {error_code(error)}: {error_message(error)}"


def _action(operation: str, clients: Iterable[Any]) -> str:
    for client in clients:
        if operation in client.meta.service_model.operation_names:
            return f"{client.meta.service_model.service_name}:{operation}"
    return operation
