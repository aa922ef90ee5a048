# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs for a message: a Python function, an HTTP service or a command."""

from __future__ import annotations

from sqs_worker.handlers.base import Handler
from sqs_worker.handlers.command import CommandHandler
from sqs_worker.handlers.function import function_handler
from sqs_worker.handlers.http import HttpHandler
from sqs_worker.settings import Settings

__all__ = ["Handler", "load"]


def load(settings: Settings) -> Handler:
    """The handler SQS_WORKER_HANDLER names; raises ConfigurationError when there is no such thing."""
    kind, _unused, target = settings.handler.partition(":")
    if kind == "http":
        return HttpHandler(target, settings.http_content_type, settings.http_fatal_statuses, settings.concurrency)
    if kind == "command":
        return CommandHandler(target)
    return function_handler(target, settings.concurrency)
