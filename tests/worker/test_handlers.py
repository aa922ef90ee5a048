# SPDX-License-Identifier: GPL-3.0-or-later
"""The three kinds of handler: a function, an HTTP service, a command."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from sqs_worker import ConfigurationError, FatalError, Message, RetryableError
from sqs_worker.handlers import load
from sqs_worker.handlers.command import CommandHandler
from sqs_worker.handlers.function import AsyncFunction, SyncFunction, function_handler
from sqs_worker.handlers.http import HttpHandler, header_value, seconds
from sqs_worker.layers import trace
from sqs_worker.settings import Settings

MESSAGE = Message(
    body='{"order": "Ærø"}',
    message_id="id-1",
    queue_url="https://sqs.example/1/orders",
    system_attributes={
        "ApproximateReceiveCount": "2",
        "ApproximateFirstReceiveTimestamp": "1700000000123",
        "SenderId": "AIDA",
        "AWSTraceHeader": "Root=1-2-3",
    },
    message_attributes={
        "kind": {"DataType": "String", "StringValue": "new\norder Ø"},
        "raw": {"DataType": "Binary", "BinaryValue": "AAE="},
        "traceparent": {
            "DataType": "String",
            "StringValue": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        },
    },
)


@asynccontextmanager
async def service(answer: Callable[[web.Request], Awaitable[web.Response]]) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/jobs", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/jobs"
    finally:
        await runner.cleanup()


async def post(status: int, headers: dict[str, str] | None = None, text: str = "why") -> web.Request:
    """Let an HTTP handler handle MESSAGE by a service that answers so; returns the request it saw."""
    seen: list[web.Request] = []

    async def answer(request: web.Request) -> web.Response:
        await request.text()
        seen.append(request)
        return web.Response(status=status, headers=headers, text=text)

    async with service(answer) as url:
        handler = HttpHandler(url, "application/json", (422,), 10)
        try:
            await trace.middleware(MESSAGE, handler)
        finally:
            await handler.close()
    return seen[0]


def test_a_post_has_the_headers_of_beanstalks_daemon() -> None:
    request = asyncio.run(post(200))
    headers = request.headers
    assert headers["X-Aws-Sqsd-Msgid"] == "id-1"
    assert headers["X-Aws-Sqsd-Queue"] == "orders"
    assert headers["X-Aws-Sqsd-Receive-Count"] == "2"
    assert headers["X-Aws-Sqsd-First-Received-At"] == "2023-11-14T22:13:20Z"
    assert headers["X-Aws-Sqsd-Sender-Id"] == "AIDA"
    assert headers["X-Aws-Sqsd-Attr-kind"] == "new%0Aorder %C3%98"
    assert "X-Aws-Sqsd-Attr-raw" not in headers
    assert headers["traceparent"] == "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    assert headers["X-Amzn-Trace-Id"] == "Root=1-2-3"
    assert headers["Content-Type"] == "application/json"


def test_any_2xx_acknowledges() -> None:
    for status in (200, 202, 204):
        asyncio.run(post(status))


@pytest.mark.parametrize("status", [302, 400, 404, 500, 503])
def test_other_statuses_are_tried_again(status: int) -> None:
    with pytest.raises(RetryableError, match=f"answered {status}: why") as error:
        asyncio.run(post(status))
    assert error.value.retry_after is None


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_honoured(status: int) -> None:
    with pytest.raises(RetryableError) as error:
        asyncio.run(post(status, {"Retry-After": "42"}))
    assert error.value.retry_after == 42


def test_a_fatal_status_dead_letters_with_the_answer_as_reason() -> None:
    with pytest.raises(FatalError, match="answered 422: no such order"):
        asyncio.run(post(422, text="no such order"))


def test_a_service_that_is_down_is_tried_again() -> None:
    async def main() -> None:
        handler = HttpHandler("http://127.0.0.1:9/jobs", "application/json", (), 1)
        try:
            with pytest.raises(RetryableError, match="did not answer"):
                await handler(MESSAGE)
        finally:
            await handler.close()

    asyncio.run(main())


def test_retry_after_may_be_a_date() -> None:
    moment = datetime.now(UTC) + timedelta(seconds=100)
    assert 95 < (seconds(format_datetime(moment, usegmt=True)) or 0) <= 100
    assert seconds("soon") is None
    assert seconds(None) is None


@given(st.text())
def test_a_header_value_is_always_printable_ascii(text: str) -> None:
    value = header_value(text)
    assert value.isascii()
    assert value.isprintable() or not value


def command(script: str, tmp_path: Path) -> CommandHandler:
    path = tmp_path / "job.py"
    path.write_text(script)
    return CommandHandler(f"{sys.executable} {path}")


def test_a_command_gets_body_and_attributes(tmp_path: Path) -> None:
    out = tmp_path / "out"
    script = f"""
import os, sys
with open({str(out)!r}, "w") as out:
    out.write(sys.stdin.read() + os.environ["SQS_MESSAGE_ID"] + os.environ["SQS_RECEIVE_COUNT"])
"""
    asyncio.run(command(script, tmp_path)(MESSAGE))
    assert out.read_text() == '{"order": "Ærø"}id-12'


def test_a_commands_exit_status_decides(tmp_path: Path) -> None:
    with pytest.raises(FatalError, match="exited with 65: cannot read"):
        asyncio.run(command("print('cannot read'); raise SystemExit(65)", tmp_path)(MESSAGE))
    with pytest.raises(RetryableError, match="exited with 3"):
        asyncio.run(command("raise SystemExit(3)", tmp_path)(MESSAGE))


@pytest.mark.parametrize("ignoring", ["parent and child", "child alone"])
def test_a_command_that_is_given_up_is_ended_with_its_children(tmp_path: Path, ignoring: str) -> None:
    pid_file = tmp_path / "pid"
    script = f"""
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen(["sleep", "1000"])
if {ignoring!r} == "child alone":
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
open({str(pid_file)!r}, "w").write(f"{{os.getpid()}} {{child.pid}}")
time.sleep(1000)
"""

    async def main() -> None:
        running = asyncio.create_task(command(script, tmp_path)(MESSAGE))
        while not pid_file.exists() or not pid_file.read_text():
            await asyncio.sleep(0.02)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(main())
    for pid in pid_file.read_text().split():
        # A kill is carried out when the kernel next runs the process; a survivor would sleep on.
        ended = time.monotonic() + 30
        while _runs(pid) and time.monotonic() < ended:
            time.sleep(0.02)
        assert not _runs(pid)


def _runs(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False


def test_output_of_any_length_is_cut_to_its_end(tmp_path: Path) -> None:
    with pytest.raises(RetryableError) as error:
        asyncio.run(command("print('x' * 10_000_000 + 'the end'); raise SystemExit(1)", tmp_path)(MESSAGE))
    assert str(error.value).endswith("the end")
    assert len(str(error.value)) < 2000


def test_functions_are_recognised_as_what_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "job_handlers.py").write_text(
        "async def later(m): pass\ndef now(m): pass\nclass C:\n  async def __call__(self, m): pass\nobj = C()\nn = 1\n"
    )
    monkeypatch.chdir(tmp_path)
    assert isinstance(function_handler("job_handlers:later", 1), AsyncFunction)
    assert isinstance(function_handler("job_handlers:obj", 1), AsyncFunction)
    assert isinstance(function_handler("job_handlers:now", 1), SyncFunction)
    for target, problem in (("job_handlers:none", "cannot be imported"), ("job_handlers:n", "is not a function"),
                            ("no_such_module:f", "cannot be imported")):  # fmt: skip
        with pytest.raises(ConfigurationError, match=problem):
            function_handler(target, 1)


def test_a_program_that_does_not_exist_is_a_configuration_error() -> None:
    settings = Settings(queue_url="https://sqs.example/1/q", handler="command:/no/such/program --x")
    with pytest.raises(ConfigurationError, match="there is no program '/no/such/program'"):
        load(settings)


def test_synchronous_functions_run_beside_each_other() -> None:
    barrier = threading.Barrier(4, timeout=10)

    async def main() -> None:
        handler = SyncFunction(lambda _message: barrier.wait(), 4)
        await asyncio.gather(*(handler(MESSAGE) for _unused in range(4)))
        await handler.close()

    asyncio.run(main())


def test_a_thread_that_is_given_up_still_holds_its_slot() -> None:
    async def main() -> None:
        release, freed = threading.Event(), asyncio.Event()
        handler = SyncFunction(lambda _message: release.wait(10), 1)
        handler.on_free = freed.set
        running = asyncio.create_task(handler(MESSAGE))
        await asyncio.sleep(0.05)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert handler.stuck == 1
        release.set()
        await asyncio.wait_for(freed.wait(), 5)
        assert handler.stuck == 0
        await handler.close()

    asyncio.run(main())
