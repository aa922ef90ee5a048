# SPDX-License-Identifier: GPL-3.0-or-later
"""What every way of reaching a customer answers to."""

from __future__ import annotations

from typing import Protocol

from storefront.messages import NotificationRequested


class TemporaryFailureError(Exception):
    """Not sent, but may be later; the text says why and holds no address."""


class PermanentFailureError(Exception):
    """Not sent, and will never be; the text says why and holds no address."""


class Channel(Protocol):
    """One way of reaching a customer."""

    name: str

    def reaches(self, notification: NotificationRequested) -> bool:
        """Whether this customer can be reached this way."""

    def send(self, notification: NotificationRequested) -> str:
        """Send, and return the reference under which the next system knows it.

        :raises TemporaryFailureError: worth another attempt.
        :raises PermanentFailureError: not worth one.
        """
