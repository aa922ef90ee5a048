# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every use of AWS has in common: clients that wait out throttling, a bounded pool, errors that say what to do."""

from __future__ import annotations

import random
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from http import HTTPStatus
from typing import Any, TypeVar

try:
    from botocore.config import Config
    from botocore.exceptions import (
        BotoCoreError,
        ClientError,
        HTTPClientError,
        NoCredentialsError,
        PartialCredentialsError,
    )
    from botocore.exceptions import (
        ConnectionError as NoConnectionError,
    )
except ImportError:
    pass  # AnsibleAWSModule says so, with the way out.

from .._problems import RefusedError, show

Item = TypeVar("Item")
Result = TypeVar("Result")

WORKERS = 16
"""Calls under way at once: enough to cover a region's latency; beyond it boto3 is bound by the CPU."""

ATTEMPTS = 40
"""Attempts of a call that AWS throttles; some minutes."""
ATTEMPTS_BEFORE_AN_ANSWER, ATTEMPTS_AFTER_AN_ANSWER = 3, 8
"""Attempts where no connection comes about: an endpoint that never answered is reported after a few seconds."""
LONGEST_PAUSE = 20
CONNECT_SECONDS = 5
READ_SECONDS = 30
"""Longer than the longest poll of a queue."""

_MISSING_PERMISSION = re.compile(r"not authorized to perform: ([a-z0-9-]+:[A-Za-z]+)")
DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError")
THROTTLED = (
    "BandwidthLimitExceeded",
    "EC2ThrottledException",
    "PriorRequestNotComplete",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "Throttling",
    "ThrottledException",
    "ThrottlingException",
    "TooManyRequestsException",
)
BAD_CREDENTIALS = (
    "AuthFailure",
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
)


class AwsCallError(RefusedError):
    """An AWS call failed; ``str()`` is the whole message, ``cause`` the error that botocore raised."""

    def __init__(self, message: str, cause: BaseException) -> None:
        super().__init__(message)
        self.cause = cause


class CallCounter:
    """Counts the requests of clients by operation, retries included."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def attach(self, client: Any) -> None:
        client.meta.events.register("before-send", self._count)

    def as_dict(self) -> dict[str, int]:
        with self._lock:
            return dict(sorted(self._counts.items()))

    def _count(self, event_name: str, **_kwargs: Any) -> None:
        with self._lock:
            self._counts[event_name.rsplit(".", 1)[-1]] += 1


def connect(
    module: Any,
    service: str,
    counter: CallCounter | None = None,
    *,
    region: str | None = None,
    attempts: int = ATTEMPTS,
) -> Any:
    """Return a boto3 client of ``service`` with the connection options of an AnsibleAWSModule.

    ``region`` is for another region than the module's, ``attempts`` for a call that is not worth long patience.

    Adaptive retries slow down when AWS throttles, so that a throttled run takes longer and does not fail.
    """
    config = Config(
        retries={"mode": "adaptive", "total_max_attempts": attempts},
        max_pool_connections=WORKERS,
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
    )
    elsewhere = {} if region is None else {"region": region}
    client = module.client(service, config=config, **elsewhere)
    _retry_by_cause(client, service, attempts)
    client.meta.events.register(
        f"before-parse.{client.meta.service_model.service_id.hyphenize()}", _require_answer_of_aws
    )
    if counter is not None:
        counter.attach(client)
    return client


def _retry_by_cause(client: Any, service: str, attempts_allowed: int) -> None:
    """Decide on retries before botocore does, where its own bound does not fit.

    It counts failed connections together with throttled calls, and its quota of retries, shared by all threads of a
    client, is used up after a hundred throttled calls.
    """
    answered = threading.Event()

    def decide(response: Any, caught_exception: BaseException | None, attempts: int, **_kwargs: Any) -> float | None:
        if caught_exception is None:
            answered.set()
            return _pause(attempts) if _is_throttled(response) and attempts < attempts_allowed else None
        limit = ATTEMPTS_AFTER_AN_ANSWER if answered.is_set() else ATTEMPTS_BEFORE_AN_ANSWER
        if isinstance(caught_exception, (HTTPClientError, NoConnectionError)) and attempts >= limit:
            raise caught_exception
        return None

    client.meta.events.register_first(f"needs-retry.{service}", decide)


def _require_answer_of_aws(response_dict: Mapping[str, Any], operation_model: Any, **_kwargs: Any) -> None:
    """Raise AwsCallError where something else than AWS answered, such as a proxy with a page of its own.

    botocore takes such an answer for one without content, or fails to read it with an error of its parser. The query
    and ec2 protocols wrap every answer in ``<ActionResponse>`` and every error in ``<Error>`` (Smithy, "AWS query
    protocol"); the JSON protocols answer with an object. Other errors than these botocore reads itself.
    """
    shape, status, body = operation_model.output_shape, response_dict["status_code"], bytes(response_dict["body"])
    protocol = operation_model.service_model.resolved_protocol
    if protocol in ("query", "ec2") and status < HTTPStatus.INTERNAL_SERVER_ERROR:
        expected = b"<Error" if status >= HTTPStatus.MULTIPLE_CHOICES else f"<{operation_model.name}Response".encode()
        understood = expected in body
    elif protocol == "json" and status < HTTPStatus.MULTIPLE_CHOICES:
        understood = shape is None or not shape.members or body.lstrip()[:1] == b"{"
    else:
        return
    if not understood:
        begin = f"begins {show(body[:40])}" if body else "is empty"
        message = (
            f"what answered {operation_model.name} is not AWS (status {status}, the answer {begin}): "
            "check the network's proxy and, where it is set, AWS_ENDPOINT_URL"
        )
        raise AwsCallError(message, ValueError(message))


def _is_throttled(response: tuple[Any, Mapping[str, Any]] | None) -> bool:
    detail = response[1].get("Error", {}) if response else {}
    given = [str(detail.get(key, "")).rsplit(".", 1)[-1] for key in ("Code", "QueryErrorCode")]
    return any(code in THROTTLED for code in given)


def _pause(attempts: int) -> float:
    """Return the seconds before the next attempt: exponential, with full jitter."""
    return random.uniform(0, min(2**attempts, LONGEST_PAUSE))  # noqa: S311 - spreads calls, keeps no secret


def concurrently(
    function: Callable[[Item], Result], items: Iterable[Item], *, done: Callable[[int, int], None] | None = None
) -> list[Result]:
    """Return ``function`` of every item, in their order, with at most ``WORKERS`` under way.

    ``done(finished, total)`` is called after each item. After an error no further item is begun; every call that was
    started ends before the first error, in the order of the items, is raised.
    """
    work = list(items)
    finished = 0

    def count(_future: Future[Result]) -> None:
        nonlocal finished
        with lock:
            finished += 1
            if done is not None:
                done(finished, len(work))

    lock = threading.Lock()
    with ThreadPoolExecutor(max_workers=WORKERS) as pool:
        futures = [pool.submit(function, item) for item in work]
        for future in futures:
            future.add_done_callback(count)
        wait(futures, return_when=FIRST_EXCEPTION)
        for future in futures:
            future.cancel()
    for future in futures:
        if not future.cancelled() and (error := future.exception()) is not None:
            raise error
    return [future.result() for future in futures]


def polls(timeout: int, seconds: int, sleep: Callable[[float], None]) -> Iterator[bool]:
    """Give False for every attempt and True for the last, ``seconds`` apart, for ``timeout`` seconds."""
    for _attempt in range(timeout // seconds):
        yield False
        sleep(seconds)
    yield True


def until_taken(
    call: Callable[[], Any],
    passes: Callable[[BaseException], bool],
    *,
    timeout: int,
    seconds: int,
    sleep: Callable[[float], None],
) -> None:
    """Call again, as :func:`polls` has it, while AWS refuses with an error that ``passes`` by itself.

    Raises that error when it is still there after ``timeout`` seconds, and any other at once.
    """
    for last in polls(timeout, seconds, sleep):
        error = _passing_error(call, passes)
        if error is None:
            return
        if last:
            raise error


def _passing_error(call: Callable[[], Any], passes: Callable[[BaseException], bool]) -> BaseException | None:
    try:
        call()
    except ClientError as error:
        if not passes(error):
            raise
        return error
    return None


def call(client: Any, method: str, about: str, **arguments: Any) -> dict[str, Any]:
    """Return the answer of ``client.method(**arguments)``.

    Raises AwsCallError, whose message begins with ``about``, for whatever AWS or the network answers.
    """
    try:
        return dict(getattr(client, method)(**arguments))
    except (BotoCoreError, ClientError) as error:
        prefix = f"{about}: " if about else ""
        raise AwsCallError(prefix + explain(error, [client]), error) from error


def error_code(error: BaseException) -> str:
    """Return AWS's code of an error, such as ``NoSuchEntity``; empty for one that did not come from AWS."""
    response: dict[str, Any] = getattr(error, "response", {})
    return str(response.get("Error", {}).get("Code", "")).replace("Client.", "")


def has_code(error: BaseException, *codes: str) -> bool:
    """Tell whether an error carries one of ``codes``.

    Services that moved from the query protocol give two spellings (botocore's QueryErrorCode), SQS with a prefix.
    """
    detail: dict[str, Any] = getattr(error, "response", {}).get("Error", {})
    given = [str(detail[key]) for key in ("Code", "QueryErrorCode") if detail.get(key)]
    return any(code.rsplit(".", 1)[-1] in codes for code in given)


def error_message(error: BaseException) -> str:
    """Return AWS's own words."""
    response: dict[str, Any] = getattr(error, "response", {})
    return str(response.get("Error", {}).get("Message", "")) or str(error)


def explain(error: BaseException, clients: Iterable[Any]) -> str:
    """Return one message for an error of botocore: what was tried, what AWS said, and the way out.

    ``clients`` are those in use; they tell which service the failed operation belongs to.
    """
    if isinstance(error, (NoCredentialsError, PartialCredentialsError)):
        return (
            f"AWS credentials are missing ({error}): set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
            "or run where an instance profile or SSO provides them"
        )
    if isinstance(error, (HTTPClientError, NoConnectionError)):
        return f"AWS does not answer ({error}): check the network, the region and, where it is set, AWS_ENDPOINT_URL"
    if not isinstance(error, ClientError):
        return str(error)
    action = _action(error.operation_name, clients)
    if error_code(error) in DENIED:
        return (
            f"not allowed to call {action}: add {_permission(error, action)} to the policy of the caller. "
            f"AWS says: {error_message(error)}"
        )
    if error_code(error) in BAD_CREDENTIALS:
        return f"AWS refuses the credentials at {action}: renew or correct them. AWS says: {error_message(error)}"
    return f"{action} failed with {error_code(error)}: {error_message(error)}"


def _permission(error: BaseException, action: str) -> str:
    """What IAM calls the permission that is missing: AWS may name another than the call, such as iam:PassRole.

    Batches of SQS need the permission of the single call (SQS Developer Guide, "Amazon SQS API permissions").
    """
    named = _MISSING_PERMISSION.search(error_message(error))
    return re.sub("Batch$", "", named[1] if named else action)


def _action(operation: str, clients: Iterable[Any]) -> str:
    for client in clients:
        if operation in client.meta.service_model.operation_names:
            return f"{client.meta.service_model.service_name}:{operation}"
    return operation
