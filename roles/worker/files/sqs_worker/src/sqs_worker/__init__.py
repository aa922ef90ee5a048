# SPDX-License-Identifier: GPL-3.0-or-later
"""A worker for Amazon SQS, and the producer side."""

from sqs_worker.errors import ApiError, ConfigurationError, FatalError, RetryableError
from sqs_worker.message import Message
from sqs_worker.producer import Outgoing, Producer, SendError

__version__ = "1.0.0"
__all__ = [
    "ApiError",
    "ConfigurationError",
    "FatalError",
    "Message",
    "Outgoing",
    "Producer",
    "RetryableError",
    "SendError",
]
