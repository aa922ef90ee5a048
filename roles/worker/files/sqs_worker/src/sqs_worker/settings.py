# SPDX-License-Identifier: GPL-3.0-or-later
"""Every setting of the worker, read from the environment and checked all at once."""

from __future__ import annotations

import dataclasses
import difflib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dotenv import dotenv_values

from sqs_worker.errors import ConfigurationError

PREFIX = "SQS_WORKER_"
SECRET = ("idempotency_store",)  # may carry a password
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


def _number(low: float, high: float, unit: str) -> Callable[[str], float]:
    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            raise ValueError(f"is not a number of {unit} from {low:g} to {high:g}")
        return value

    return parse


def _integer(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.strip().isdecimal() or not low <= int(text) <= high:
            raise ValueError(f"is not a whole number from {low} to {high}")
        return int(text)

    return parse


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("is not a URL such as https://sqs.REGION.amazonaws.com/ACCOUNT/QUEUE")
    return text


def _address(text: str) -> str:
    host, separator, port = text.rpartition(":")
    if not separator or not host or not port.isdecimal() or int(port) > 65535:
        raise ValueError("is not an address such as 127.0.0.1:9100")
    return text


def _level(text: str) -> str:
    if text.upper() not in LOG_LEVELS:
        raise ValueError(f"is not one of {', '.join(LOG_LEVELS)}")
    return text.upper()


def _flag(text: str) -> bool:
    if text.lower() not in ("true", "false", "1", "0", "yes", "no"):
        raise ValueError("is neither true nor false")
    return text.lower() in ("true", "1", "yes")


def _handler(text: str) -> str:
    kind, separator, rest = text.partition(":")
    if not separator or kind not in ("python", "http", "command") or not rest.strip():
        raise ValueError(
            "is not python:MODULE:FUNCTION, http:URL (such as http:http://127.0.0.1:3000/jobs) or command:PROGRAM"
        )
    if kind == "python" and not _names_function(rest):
        raise ValueError("is not python:MODULE:FUNCTION, such as python:payment.worker:handle")
    return text


def _middleware(text: str) -> tuple[str, ...]:
    targets = _list(text)
    for target in targets:
        if not _names_function(target):
            raise ValueError(f"names {target!r}, which is not MODULE:FUNCTION, such as payment.audit:log_order")
    return targets


def _names_function(target: str) -> bool:
    """Whether neither the module's dotted name nor the function's has an empty part."""
    module, _unused, function = target.partition(":")
    return all(name.strip() for name in (*module.split("."), *function.split(".")))


def _store(text: str) -> str:
    if not text.startswith(("sqlite:", "postgresql:", "postgresql+", "dynamodb:")):
        raise ValueError("is not a URL that begins with sqlite:, postgresql: or dynamodb:")
    return text


def _key(text: str) -> str:
    kind, _unused, name = text.partition(":")
    if kind in ("message_id", "deduplication_id", "body") and not name:
        return text
    if (kind == "attribute" and name) or (kind == "json" and name.startswith("/")):
        return text
    raise ValueError("is not message_id, deduplication_id, body, attribute:NAME or json:/POINTER")


def _statuses(text: str) -> tuple[int, ...]:
    codes = () if text == "none" else _list(text)
    if not all(code.isdecimal() and 400 <= int(code) <= 599 for code in codes):
        raise ValueError("is not a comma-separated list of HTTP statuses from 400 to 599, nor none")
    return tuple(int(code) for code in codes)


def _list(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _setting(default: Any, parse: Callable[[str], Any], help_text: str) -> Any:
    # pylint looks for a dataclass around the call; it is the one below that calls this.
    return dataclasses.field(  # pylint: disable=invalid-field-call
        default=default, metadata={"parse": parse, "help": help_text}
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The worker's settings; durations are seconds. An empty variable means the default."""

    queue_url: str = _setting(None, _url, "URL of the queue to consume. Required")
    handler: str = _setting(
        None, _handler, "`python:MODULE:FUNCTION`, `http:URL` or `command:PROGRAM ARGUMENT ...`. Required"
    )
    name: str = _setting("sqs-worker", str, "name in logs and metrics")
    dead_letter_queue_url: str | None = _setting(
        None, _url, "where fatal and malformed messages are sent at once; without it they fail until SQS moves them"
    )
    concurrency: int = _setting(10, _integer(1, 10_000), "handlers running at the same time")
    prefetch: int | None = _setting(
        None,
        _integer(0, 1000),
        "messages received ahead of a free handler. Default: the concurrency, at most 10; 0 where the queue's"
        " maxReceiveCount is 1",
    )
    max_pollers: int | None = _setting(
        None, _integer(1, 100), "receive calls in the air at the most. Default: as many as the concurrency can feed"
    )
    wait_time: int = _setting(20, _integer(0, 20), "long poll of a receive call")
    visibility_timeout: int | None = _setting(
        None, _integer(1, 43_200), "visibility asked for in each receive. Default: the queue's own"
    )
    deadline: float | None = _setting(
        None, _number(0.01, 43_200, "seconds"), "a handler running longer has failed. Default: none"
    )
    drain_timeout: float = _setting(
        30.0, _number(0, 43_200, "seconds"), "after SIGTERM, time for work in hand before it is given back"
    )
    backoff_base: float = _setting(5.0, _number(0, 43_200, "seconds"), "delay after the first failure; doubles")
    backoff_max: float = _setting(900.0, _number(0, 43_200, "seconds"), "largest delay between tries")
    rate: float = _setting(0.0, _number(0, 1_000_000, "starts a second"), "handler starts a second; 0 for no limit")
    breaker_threshold: int = _setting(
        5, _integer(0, 10_000), "different messages that fail in a row before receiving stops; 0 never stops it"
    )
    breaker_pause: float = _setting(
        5.0, _number(0.01, 43_200, "seconds"), "pause before a single message is tried again; doubles"
    )
    breaker_pause_max: float = _setting(60.0, _number(0.01, 43_200, "seconds"), "largest pause between single tries")
    breaker_hold: float = _setting(
        3600.0, _number(0, 43_200, "seconds"), "after that a message is no longer kept for the next single try"
    )
    flush_interval: float = _setting(
        0.2, _number(0, 20, "seconds"), "a delete waits no longer than this for its batch to fill"
    )
    health_address: str | None = _setting(
        None, _address, "HOST:PORT of /healthz, /readyz and /metrics. Default: not served"
    )
    note_directory: str | None = _setting(
        None, str, "folder for a file that tells a deploy how far the worker is. Default: none is written"
    )
    middleware: tuple[str, ...] = _setting((), _middleware, "`MODULE:FUNCTION`, comma-separated, outermost first")
    idempotency_store: str | None = _setting(
        None,
        _store,
        "`sqlite:////PATH`, `postgresql+psycopg://USER:PASSWORD@HOST/DB` or `dynamodb:TABLE`. Default: none",
    )
    idempotency_key: str = _setting(
        "message_id",
        _key,
        "`message_id`, `deduplication_id`, `body`, `attribute:NAME` or `json:/POINTER` into the body",
    )
    idempotency_ttl: float = _setting(
        1_296_000.0, _number(1, 315_360_000, "seconds"), "how long a done key is remembered"
    )
    payload_bucket: str | None = _setting(
        None, str, "S3 bucket of payloads above SQS's limit (extended client libraries). Default: none is fetched"
    )
    payload_max_bytes: int = _setting(16_777_216, _integer(1, 2**31), "largest payload fetched from S3")
    http_content_type: str = _setting("application/json", str, "Content-Type of an `http:` handler's requests")
    http_fatal_statuses: tuple[int, ...] = _setting(
        (422,), _statuses, "statuses of an `http:` handler that dead-letter at once; `none` for no status"
    )
    emf_namespace: str | None = _setting(
        None, str, "namespace of CloudWatch embedded metrics, written to the log each minute. Default: not written"
    )
    log_level: str = _setting("INFO", _level, "DEBUG (one line a message), INFO, WARNING or ERROR")

    @property
    def fifo(self) -> bool:
        """Whether the queue is a FIFO queue; the suffix is part of every FIFO queue's name."""
        return self.queue_url.endswith(".fifo")


def load(environment: Mapping[str, str]) -> Settings:
    """Settings from a mapping of environment variables; raises ConfigurationError with every problem found."""
    values: dict[str, Any] = {}
    problems: list[str] = []
    for field in dataclasses.fields(Settings):
        variable = PREFIX + field.name.upper()
        text = environment.get(variable, "").strip()
        if not text:
            if field.name in ("queue_url", "handler"):
                problems.append(f"{variable} is not set: {field.metadata['help']}")
            continue
        try:
            values[field.name] = field.metadata["parse"](text)
        except ValueError as error:
            shown = "its value" if field.name in SECRET else repr(text)
            problems.append(f"{variable}: {shown} {error}")
    problems += _unknown(environment)
    if problems:
        raise ConfigurationError(problems)
    settings = Settings(**values)
    problems = _contradictions(settings)
    if problems:
        raise ConfigurationError(problems)
    return settings


def _unknown(environment: Mapping[str, str]) -> list[str]:
    known = [PREFIX + field.name.upper() for field in dataclasses.fields(Settings)]
    problems = []
    for variable in sorted(environment):
        if variable.startswith(PREFIX) and variable not in known:
            close = difflib.get_close_matches(variable, known, n=1)
            hint = f": did you mean {close[0]}?" if close else "; docs/worker.md lists all settings"
            problems.append(f"{variable} is not a setting{hint}")
    return problems


def _contradictions(settings: Settings) -> list[str]:
    problems = []
    if settings.backoff_max < settings.backoff_base:
        problems.append(
            f"{PREFIX}BACKOFF_MAX: {settings.backoff_max:g} is below {PREFIX}BACKOFF_BASE ({settings.backoff_base:g})"
        )
    if settings.dead_letter_queue_url:
        if settings.dead_letter_queue_url == settings.queue_url:
            problems.append(f"{PREFIX}DEAD_LETTER_QUEUE_URL is the consumed queue itself: name its dead-letter queue")
        elif settings.dead_letter_queue_url.endswith(".fifo") != settings.fifo:
            problems.append(
                f"{PREFIX}DEAD_LETTER_QUEUE_URL: the dead-letter queue of a FIFO queue is a FIFO queue, of a standard"
                f" queue a standard one; got {settings.dead_letter_queue_url} for {settings.queue_url}"
            )
    return problems


def environment_with_files(environment: Mapping[str, str], files: list[Path]) -> dict[str, str]:
    """The environment with `.env` files laid over it, later files over earlier ones.

    A file wins over the inherited environment: PM2 keeps stale variables, and what the file says is what was deployed.
    Nothing is interpolated, as in Node's dotenv. Raises ConfigurationError naming each file that cannot be read.
    """
    merged = dict(environment)
    problems = []
    for file in files:
        try:
            with file.open(encoding="utf-8") as stream:
                merged |= {name: value or "" for name, value in dotenv_values(stream=stream, interpolate=False).items()}
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "is not UTF-8"
            problems.append(f"--env-file {file}: {reason}")
    if problems:
        raise ConfigurationError(problems)
    return merged
