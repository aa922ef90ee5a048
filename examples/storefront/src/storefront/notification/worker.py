# SPDX-License-Identifier: GPL-3.0-or-later
"""The notification service's worker: ``SQS_WORKER_HANDLER=python:storefront.notification.worker:handle``.

Importing this module reads the environment, so that a wrong setting is found when the worker starts.
"""

from __future__ import annotations

from storefront.database import connect
from storefront.notification.handler import NotificationHandler
from storefront.notification.mail import MailChannel
from storefront.notification.settings import NotificationSettings
from storefront.notification.sms import SmsChannel
from storefront.notification.store import SendingStore

_settings = NotificationSettings.from_environment()

handle = NotificationHandler(
    SendingStore(connect(_settings.database_url), lease=_settings.lease),
    [MailChannel(_settings), SmsChannel(_settings)],
).handle
