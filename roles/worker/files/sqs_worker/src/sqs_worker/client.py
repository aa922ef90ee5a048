# SPDX-License-Identifier: GPL-3.0-or-later
"""SQS over aiohttp: botocore gives credentials, region, endpoint, service model and signature; the rest is one POST.

botocore's own client costs three times the CPU of this one (docs/worker.md has the measurements).
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import ssl
import urllib.request
from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import urlsplit

import aiohttp
import botocore.exceptions
import botocore.session
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import ReadOnlyCredentials

from sqs_worker.backoff import Backoff
from sqs_worker.errors import ApiError, ConfigurationError
from sqs_worker.observe.metrics import Metrics

log = logging.getLogger(__name__)

CREDENTIALS_CHECKED_EVERY = 60.0
RETRY = Backoff(base=0.2, maximum=5.0)
THROTTLED = frozenset(
    {
        "RequestThrottled",
        "ThrottlingException",
        "Throttling",
        "ThrottledException",
        "RequestThrottledException",
        "TooManyRequestsException",
        "KmsThrottled",
        "OverLimit",
        "SlowDown",
        "RequestLimitExceeded",
    }
)
STALE_CREDENTIALS = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})


class SqsApi(Protocol):
    """The narrow interface behind which SQS is: the operations and shapes are those of AWS's API reference."""

    async def call(
        self, operation: str, parameters: Mapping[str, Any], *, timeout: float = 10.0, attempts: int = 1
    ) -> dict[str, Any]:
        """Call an operation; raises ApiError. ``attempts`` above 1 repeats calls that may succeed later."""

    async def close(self) -> None:
        """Close the connections."""


def region(environment: Mapping[str, str] | None = None) -> str | None:
    """The region as an AWS SDK in any language would find it: botocore alone ignores AWS_REGION."""
    environment = os.environ if environment is None else environment
    return environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or None


def botocore_client(service: str, config: Config | None = None) -> Any:
    """An ordinary botocore client for what is not the hot path; raises ConfigurationError without a region."""
    session = botocore.session.get_session()
    try:
        return session.create_client(service, region_name=region(), config=config)
    except botocore.exceptions.NoRegionError as error:
        raise ConfigurationError(["AWS_REGION is not set: name the queue's region, e.g. ap-southeast-1"]) from error


class AioSqs:
    """SqsApi over aiohttp; create it inside a running event loop."""

    def __init__(self, connections: int, metrics: Metrics) -> None:
        session = botocore.session.get_session()
        client = botocore_client("sqs")
        model = client.meta.service_model
        self._metrics = metrics
        self._target = model.metadata["targetPrefix"]
        self._region = client.meta.region_name
        self._signing_name = model.signing_name
        self._url = client.meta.endpoint_url.rstrip("/") + "/"
        self._host = urlsplit(self._url).netloc
        self._content_type = f"application/x-amz-json-{model.metadata['jsonVersion']}"
        self._credentials = session.get_credentials()
        self._signer: SigV4Auth | None = None
        self._frozen: ReadOnlyCredentials | None = None
        self._checked_at = -CREDENTIALS_CHECKED_EVERY
        self._proxy = _proxy_for(self._url)
        self._http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=connections, ssl=_tls_context(session), keepalive_timeout=60),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding"),
        )

    async def call(
        self, operation: str, parameters: Mapping[str, Any], *, timeout: float = 10.0, attempts: int = 1
    ) -> dict[str, Any]:
        """See SqsApi."""
        for attempt in range(1, attempts + 1):
            try:
                answer = await self._once(operation, parameters, timeout)
            except ApiError as error:
                self._metrics.api_call(operation, error.code)
                if not error.retryable or attempt == attempts:
                    raise
                await asyncio.sleep(RETRY.delay(attempt))
            else:
                self._metrics.api_call(operation, "ok")
                return answer
        raise AssertionError("unreachable: attempts is at least 1")

    async def close(self) -> None:
        """See SqsApi."""
        await self._http.close()

    async def _once(self, operation: str, parameters: Mapping[str, Any], timeout: float) -> dict[str, Any]:
        body = json.dumps(parameters, separators=(",", ":"), ensure_ascii=False).encode()
        headers = {
            "Host": self._host,  # given, it need not be derived anew by the signer: a third of a signature's cost
            "X-Amz-Target": f"{self._target}.{operation}",
            "Content-Type": self._content_type,
        }
        request = AWSRequest(method="POST", url=self._url, data=body, headers=headers)
        (await self._current_signer(operation)).add_auth(request)
        try:
            async with self._http.post(
                self._url,
                data=body,
                headers=dict(request.headers.items()),
                timeout=aiohttp.ClientTimeout(total=timeout),
                allow_redirects=False,
                proxy=self._proxy,
            ) as response:
                answer = await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            reason = f"{self._url} did not answer: {error or type(error).__name__}"
            raise ApiError(operation, "ConnectionError", reason, retryable=True) from error
        if response.status != 200:
            raise self._refusal(operation, response.status, answer)
        try:
            return dict(json.loads(answer)) if answer else {}
        except ValueError as error:
            raise ApiError(operation, "ConnectionError", f"{self._url} answered no JSON", retryable=True) from error

    def _refusal(self, operation: str, status: int, answer: bytes) -> ApiError:
        try:
            parsed = json.loads(answer)
            code = str(parsed["__type"]).rpartition("#")[2]
            message = str(parsed.get("message") or parsed.get("Message") or "")
        except (ValueError, KeyError, TypeError, AttributeError):
            code, message = f"HTTP{status}", answer[:200].decode(errors="replace")
        code = code.removeprefix("AWS.SimpleQueueService.")
        if code in STALE_CREDENTIALS:
            self._signer = None
        retryable = status >= 500 or status == 429 or code in THROTTLED or code in STALE_CREDENTIALS
        return ApiError(operation, code, message, retryable=retryable)

    async def _current_signer(self, operation: str) -> SigV4Auth:
        now = asyncio.get_running_loop().time()
        if self._signer is None or now - self._checked_at >= CREDENTIALS_CHECKED_EVERY:
            if self._credentials is None:
                raise ApiError(
                    operation,
                    "NoCredentials",
                    "no AWS credentials: attach an instance profile to the host, or set"
                    " AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
                    retryable=True,
                )
            # Refreshing asks the instance metadata service, so it must not run on the event loop.
            try:
                frozen = await asyncio.to_thread(self._credentials.get_frozen_credentials)
            except Exception as error:
                raise ApiError(operation, "NoCredentials", str(error), retryable=True) from error
            if self._signer is None or frozen != self._frozen:
                self._signer, self._frozen = SigV4Auth(frozen, self._signing_name, self._region), frozen
            self._checked_at = now
        return self._signer


def _tls_context(session: Any) -> ssl.SSLContext | bool:
    bundle = session.get_config_variable("ca_bundle")
    return ssl.create_default_context(cafile=bundle) if bundle else True


def _proxy_for(url: str) -> str | None:
    parts = urlsplit(url)
    if urllib.request.proxy_bypass(parts.hostname or ""):
        return None
    return urllib.request.getproxies().get(parts.scheme)
