# SPDX-License-Identifier: GPL-3.0-or-later
"""An HTTP service as handler: a POST for each message, as Elastic Beanstalk's worker daemon makes it.

The headers are those of "Elastic Beanstalk worker environments" (AWS Elastic Beanstalk developer guide), so that a
service written for that daemon works unchanged.
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import quote

import aiohttp

from sqs_worker.errors import FatalError, RetryableError
from sqs_worker.handlers.base import Handler
from sqs_worker.layers import trace
from sqs_worker.message import Message

REASON_LENGTH = 500  # characters of an error's body that are kept as the reason


class HttpHandler(Handler):
    """2xx acknowledges; 429 or 503 with Retry-After delays as asked; a fatal status dead-letters; others fail."""

    def __init__(self, url: str, content_type: str, fatal_statuses: tuple[int, ...], concurrency: int) -> None:
        super().__init__()
        self._url = url
        self._content_type = content_type
        self._fatal_statuses = fatal_statuses
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=concurrency),
            timeout=aiohttp.ClientTimeout(total=None),  # the worker's deadline ends a call
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def __call__(self, message: Message) -> None:
        """See Handler."""
        headers = headers_for(message) | {"Content-Type": self._content_type}
        try:
            async with self._session.post(
                self._url, data=message.body.encode(), headers=headers, allow_redirects=False
            ) as response:
                if response.ok and response.status < 300:
                    return
                status, retry_after = response.status, response.headers.get("Retry-After")
                text = (await response.content.read(REASON_LENGTH)).decode(errors="replace").strip()
        except aiohttp.ClientError as error:
            raise RetryableError(f"{self._url} did not answer: {error}") from error
        reason = f"{self._url} answered {status}: {text}"
        if status in self._fatal_statuses:
            raise FatalError(reason)
        raise RetryableError(reason, retry_after=seconds(retry_after) if status in (429, 503) else None)

    async def close(self) -> None:
        """See Handler."""
        await self._session.close()


def headers_for(message: Message) -> dict[str, str]:
    """The daemon's headers for a message, and its trace context."""
    received = message.system_attributes.get("ApproximateFirstReceiveTimestamp")
    first = datetime.fromtimestamp(int(received) / 1000, UTC) if received else datetime.now(UTC)
    headers = {
        "User-Agent": "aws-sqsd/3.0 (sqs-worker)",
        "X-Aws-Sqsd-Msgid": message.message_id,
        "X-Aws-Sqsd-Queue": message.queue_url.rpartition("/")[2],
        "X-Aws-Sqsd-First-Received-At": first.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "X-Aws-Sqsd-Receive-Count": str(message.receive_count),
        "X-Aws-Sqsd-Sender-Id": message.system_attributes.get("SenderId", ""),
    }
    if message.group_id is not None:
        headers["X-Sqs-Worker-Group-Id"] = header_value(message.group_id)
    if message.deduplication_id is not None:
        headers["X-Sqs-Worker-Deduplication-Id"] = header_value(message.deduplication_id)
    for name, value in message.attributes.items():
        if isinstance(value, str):
            headers[f"X-Aws-Sqsd-Attr-{name}"] = header_value(value)
    return headers | trace.headers()


def header_value(text: str) -> str:
    """``text`` as a header may carry it: percent-encoded when it has more than printable ASCII."""
    return text if text.isascii() and text.isprintable() else quote(text, safe=" !\"#$&'()*+,-./:;<=>?@[\\]^_`{|}~")


def seconds(retry_after: str | None) -> float | None:
    """A Retry-After header, a number of seconds or a date, as seconds from now; None when it is neither."""
    if retry_after is None:
        return None
    if retry_after.strip().isdecimal():
        return float(retry_after)
    try:
        moment = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
