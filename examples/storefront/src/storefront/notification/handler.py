# SPDX-License-Identifier: GPL-3.0-or-later
"""What the notification service does with a notification."""

from __future__ import annotations

from collections.abc import Sequence

from sqs_worker import FatalError, Message, RetryableError
from storefront.messages import NotificationRequested, parse
from storefront.notification.channel import Channel, PermanentFailureError, TemporaryFailureError
from storefront.notification.store import ClaimedError, SendingStore


class NotificationHandler:
    """Sends a notification over every channel that reaches its customer, each once."""

    def __init__(self, store: SendingStore, channels: Sequence[Channel]) -> None:
        self._store = store
        self._channels = channels

    def handle(self, message: Message) -> None:
        """Send one notification; what was sent before is not sent again, and one channel does not hold up another.

        :raises FatalError: the message is malformed, or the last failing channel refused for good.
        :raises RetryableError: a channel may work later, or another delivery is being handled.
        """
        notification = parse(NotificationRequested, message)
        temporary: list[str] = []
        permanent: list[str] = []
        for channel in self._channels:
            if not channel.reaches(notification):
                continue
            try:
                self._send(channel, notification)
            except (TemporaryFailureError, ClaimedError) as error:
                temporary.append(str(error))
            except PermanentFailureError as error:
                permanent.append(str(error))
        if temporary:
            raise RetryableError(f"notification {notification.notification_id}: {'; '.join(temporary + permanent)}")
        if permanent:
            raise FatalError(f"notification {notification.notification_id}: {'; '.join(permanent)}")

    def _send(self, channel: Channel, notification: NotificationRequested) -> None:
        key = (notification.notification_id, channel.name)
        if not self._store.claim(*key, notification.order_id):
            return
        try:
            reference = channel.send(notification)
        except TemporaryFailureError as error:
            self._store.failed(*key, str(error), permanent=False)
            raise
        except PermanentFailureError as error:
            self._store.failed(*key, str(error), permanent=True)
            raise
        self._store.sent(*key, reference)
