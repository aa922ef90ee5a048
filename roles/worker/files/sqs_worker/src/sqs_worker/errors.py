# SPDX-License-Identifier: GPL-3.0-or-later
"""What a handler raises to say what should become of its message, and what the service answers when it refuses."""

from __future__ import annotations


class RetryableError(Exception):
    """The message should be tried again later.

    ``retry_after`` is the wished delay in seconds; without it the worker's backoff decides.
    """

    def __init__(self, *args: object, retry_after: float | None = None) -> None:
        super().__init__(*args)
        self.retry_after = retry_after


class InProgressError(RetryableError):
    """Another worker is at the same idempotency key; says nothing about the handler or what it depends on."""


class FatalError(Exception):
    """The message can never succeed: it goes to the dead-letter queue at once, with this error as its reason."""


class ConfigurationError(Exception):
    """Settings that do not make sense; carries every problem found, one line each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class ApiError(Exception):
    """SQS refused a call, or could not be reached.

    ``code`` is AWS's error code without its namespace (``ConnectionError`` when there was no answer), ``retryable``
    says whether the same call may succeed later.
    """

    def __init__(self, operation: str, code: str, message: str, *, retryable: bool) -> None:
        super().__init__(f"{operation}: {code}: {message}")
        self.operation = operation
        self.code = code
        self.retryable = retryable


def reason(error: BaseException) -> str:
    """An error in one line, as the log and the dead-letter queue name it; by its kind alone when it has no text."""
    try:
        text = str(error)
    except Exception:  # an application's __str__ is its own, and decides nothing about a message
        text = ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
