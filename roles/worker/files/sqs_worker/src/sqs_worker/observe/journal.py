# SPDX-License-Identifier: GPL-3.0-or-later
"""What is logged, counted and noted of a message's tries."""

from __future__ import annotations

import logging
from asyncio import CancelledError

from sqs_worker.errors import FatalError, InProgressError, RetryableError, reason
from sqs_worker.message import Message
from sqs_worker.observe.metrics import Metrics
from sqs_worker.observe.note import Note

log = logging.getLogger(__name__)


class Journal:
    """Writes down what the dispatcher sees; decides nothing."""

    def __init__(self, metrics: Metrics, note: Note) -> None:
        self._metrics = metrics
        self._note = note

    def tried(self, message: Message, error: BaseException | None) -> None:
        """A handler has ended: with success, or with ``error``."""
        match error:
            case None:
                self._metrics.handled.inc()
                self._note.handled()
                log.debug("message %s done at receive %d", message.message_id, message.receive_count)
            case FatalError():
                pass  # it is dead-lettered, or its way there is logged
            case InProgressError():
                log.info("message %s waits: %s", message.message_id, error)
            case CancelledError():
                log.warning("message %s: its handler cancelled itself", message.message_id)
            case _:
                self._metrics.failed.inc()
                log.warning(
                    "message %s failed at try %d: %s",
                    message.message_id,
                    message.receive_count,
                    reason(error),
                    exc_info=None if isinstance(error, RetryableError | TimeoutError) else error,
                )

    def lasted(self, seconds: float) -> None:
        """A run has ended after ``seconds``."""
        self._metrics.duration.observe(seconds)

    def dead_lettered(self, message: Message, why: str) -> None:
        """A message was sent to the dead-letter queue."""
        log.error("message %s sent to the dead-letter queue: %s", message.message_id, why)

    def released(self, count: int) -> None:
        """Messages go back without having been tried."""
        self._metrics.released.inc(count)

    def unsettled(self, message: Message, error: BaseException) -> None:
        """A run has ended without its message being settled: the message goes back."""
        if isinstance(error, CancelledError):
            log.warning("message %s: its settling was cancelled, it goes back", message.message_id)
        else:
            log.critical("defect: message %s goes back", message.message_id, exc_info=error)

    def breaker(self, *, is_open: bool) -> None:
        """The circuit breaker has opened or closed."""
        self._metrics.breaker_open.set(int(is_open))
        if is_open:
            log.error("circuit breaker open: no message is received until a handler succeeds again")
        else:
            log.info("circuit breaker closed: handlers succeed again")
