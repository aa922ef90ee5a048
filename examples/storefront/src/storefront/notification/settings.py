# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of the notification service and its worker."""

from __future__ import annotations

import ipaddress
from datetime import timedelta
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator

from storefront.messages import EmailAddress
from storefront.settings import ServiceSettings


class NotificationSettings(ServiceSettings):
    """Adds the mail server and how long it and SNS may take, in seconds. Mail goes over TLS, except on this machine."""

    port: int = Field(default=8003, ge=1, le=65535)
    database_url: str = "sqlite:///data/notification.sqlite3"
    smtp_host: str = Field(min_length=1)
    smtp_port: int = Field(default=587, ge=1, le=65535)
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_username: str | None = None
    smtp_password: SecretStr | None = None
    smtp_timeout: float = Field(default=10, gt=0, le=14)
    mail_from: EmailAddress
    sms_timeout: float = Field(default=10, gt=0, le=14)

    @property
    def lease(self) -> timedelta:
        """How long a sending is claimed: an attempt's few round trips, and less than the queue's visibility timeout."""
        return timedelta(seconds=4 * max(self.smtp_timeout, self.sms_timeout))

    @model_validator(mode="after")
    def _safe(self) -> Self:
        if (self.smtp_username is None) != (self.smtp_password is None):
            raise ValueError("SMTP_USERNAME and SMTP_PASSWORD: set both in the service's .env file, or neither")
        if self.smtp_security == "none" and not _is_loopback(self.smtp_host):
            raise ValueError(
                f"SMTP_SECURITY=none: only for a server on this machine, and SMTP_HOST is {self.smtp_host}; "
                "set it to starttls or tls in the service's .env file"
            )
        return self


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
