# SPDX-License-Identifier: GPL-3.0-or-later
"""CPU of one ReceiveMessage of ten 1 kB messages by the HTTP stacks the worker could be built on.

Argument: queue URL. Prints a JSON object, stack to [CPU ms, wall ms] a call, on standard error.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import boto3
import urllib3
from awscrt import auth, http
from awscrt.io import ClientBootstrap, DefaultHostResolver, EventLoopGroup, InputStream
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

ENDPOINT = os.environ["AWS_ENDPOINT_URL"] + "/"
HOST, PORT = urlsplit(ENDPOINT).hostname or "", urlsplit(ENDPOINT).port or 80
REGION = os.environ["AWS_REGION"]
HEADERS = {"X-Amz-Target": "AmazonSQS.ReceiveMessage", "Content-Type": "application/x-amz-json-1.0"}
PARAMETERS: dict[str, Any] = {
    "QueueUrl": sys.argv[1],
    "MaxNumberOfMessages": 10,
    "VisibilityTimeout": 0,
    "MessageAttributeNames": ["All"],
    "MessageSystemAttributeNames": ["All"],
}
CALLS, AT_ONCE = 600, 8
signer = SigV4Auth(Credentials("testing", "testing"), "sqs", REGION)
crt_credentials = auth.AwsCredentialsProvider.new_static("testing", "testing")
results: dict[str, tuple[float, float]] = {}


def timed(name: str, run: Callable[[], Any], calls: int = CALLS) -> None:
    """Note CPU and wall milliseconds a call."""
    wall, cpu = time.perf_counter(), time.process_time()
    run()
    results[name] = (1000 * (time.process_time() - cpu) / calls, 1000 * (time.perf_counter() - wall) / calls)


def by_botocore(body: bytes) -> dict[str, str]:
    """Headers signed by botocore."""
    request = AWSRequest("POST", ENDPOINT, data=body, headers=HEADERS)
    signer.add_auth(request)
    return dict(request.headers.items())


def by_crt(body: bytes) -> Any:
    """A future of awscrt's signed request."""
    headers = [("Host", f"{HOST}:{PORT}"), *HEADERS.items(), ("Content-Length", str(len(body)))]
    config = auth.AwsSigningConfig(
        algorithm=auth.AwsSigningAlgorithm.V4,
        signature_type=auth.AwsSignatureType.HTTP_REQUEST_HEADERS,
        credentials_provider=crt_credentials,
        region=REGION,
        service="sqs",
    )
    request = http.HttpRequest("POST", "/", http.HttpHeaders(headers), InputStream(io.BytesIO(body)))
    return auth.aws_sign_request(request, config)


async def at_once(one: Callable[[int], Awaitable[None]]) -> None:
    """CALLS calls, AT_ONCE at a time."""

    async def worker(index: int) -> None:
        for _unused in range(CALLS // AT_ONCE):
            await one(index)

    await asyncio.gather(*(worker(index) for index in range(AT_ONCE)))


async def aiohttp_with(sign: Callable[[bytes], Awaitable[dict[str, str]]]) -> None:
    """aiohttp with a signer."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False) as session:

        async def one(_index: int) -> None:
            body = json.dumps(PARAMETERS).encode()
            async with session.post(ENDPOINT, data=body, headers=await sign(body)) as response:
                json.loads(await response.read())

        await at_once(one)


async def sign_by_botocore(body: bytes) -> dict[str, str]:
    """See by_botocore."""
    return by_botocore(body)


async def sign_by_crt(body: bytes) -> dict[str, str]:
    """See by_crt."""
    return dict((await asyncio.wrap_future(by_crt(body))).headers)


async def crt_http() -> None:
    """awscrt's HTTP client and signer."""
    group = EventLoopGroup(1)
    bootstrap = ClientBootstrap(group, DefaultHostResolver(group))
    connections = [
        await asyncio.wrap_future(http.HttpClientConnection.new(HOST, PORT, bootstrap)) for _unused in range(AT_ONCE)
    ]

    async def one(index: int) -> None:
        request = await asyncio.wrap_future(by_crt(json.dumps(PARAMETERS).encode()))
        pieces: list[bytes] = []
        stream = connections[index].request(request, on_body=lambda chunk, **_unused: pieces.append(chunk))
        stream.activate()
        await asyncio.wrap_future(stream.completion_future)
        json.loads(b"".join(pieces))

    await at_once(one)


def botocore_client() -> None:
    """botocore's own client, by boto3."""
    client = boto3.client("sqs")
    for _unused in range(CALLS):
        client.receive_message(**PARAMETERS)


def urllib3_pool() -> None:
    """urllib3 with botocore's signer."""
    pool = urllib3.HTTPConnectionPool(HOST, PORT)
    for _unused in range(CALLS):
        body = json.dumps(PARAMETERS).encode()
        json.loads(pool.urlopen("POST", "/", body=body, headers=by_botocore(body)).data)


timed("boto3 (botocore's client)", botocore_client)
timed("urllib3 + botocore's signer", urllib3_pool)
timed("aiohttp + botocore's signer", lambda: asyncio.run(aiohttp_with(sign_by_botocore)))
timed("aiohttp + awscrt's signer", lambda: asyncio.run(aiohttp_with(sign_by_crt)))
timed("awscrt's client and signer", lambda: asyncio.run(crt_http()))
timed("botocore's signer alone", lambda: [by_botocore(json.dumps(PARAMETERS).encode()) for _unused in range(CALLS)])
timed("awscrt's signer alone", lambda: [by_crt(json.dumps(PARAMETERS).encode()).result() for _unused in range(CALLS)])
print(json.dumps(results), file=sys.stderr)
os._exit(0)  # awscrt's threads need not be waited for
