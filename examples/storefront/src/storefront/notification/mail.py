# SPDX-License-Identifier: GPL-3.0-or-later
"""E-mail over SMTP."""

from __future__ import annotations

import re
import smtplib
import ssl
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from storefront.messages import NotificationRequested, format_amount
from storefront.notification.channel import PermanentFailureError, TemporaryFailureError
from storefront.notification.settings import NotificationSettings


class MailChannel:
    """Sends each notification as one mail, with a Message-ID that a second sending would repeat."""

    name = "email"

    def __init__(self, settings: NotificationSettings, *, tls: ssl.SSLContext | None = None) -> None:
        self._settings = settings
        self._tls = tls or ssl.create_default_context()

    def reaches(self, notification: NotificationRequested) -> bool:
        """Every customer has an address."""
        return True

    def send(self, notification: NotificationRequested) -> str:
        """Send the mail and return its Message-ID.

        A fault of the connection, the log-in or the encryption is temporary: the message is not to blame for it.
        A refusal of the message is temporary (4xx) or permanent (5xx) as RFC 5321, section 4.2.1, defines it.
        """
        mail = compose(notification, self._settings.mail_from)
        try:
            connection = self._connect()
        except smtplib.SMTPResponseException as error:
            raise TemporaryFailureError(
                f"the mail server refused the session: {_reply(error.smtp_code, error.smtp_error)}"
            ) from error
        except (OSError, smtplib.SMTPException) as error:
            raise TemporaryFailureError(f"the mail server cannot be used: {type(error).__name__}") from error
        try:
            connection.send_message(mail)
        except smtplib.SMTPRecipientsRefused as error:
            code, text = next(iter(error.recipients.values()))
            raise _failure(code, text, "the recipient") from error
        except smtplib.SMTPSenderRefused as error:
            raise _failure(error.smtp_code, error.smtp_error, "the sender") from error
        except smtplib.SMTPResponseException as error:
            raise _failure(error.smtp_code, error.smtp_error, "the mail") from error
        except (OSError, smtplib.SMTPException) as error:
            raise TemporaryFailureError(f"the mail server broke off: {type(error).__name__}") from error
        finally:
            connection.close()
        return str(mail["Message-ID"])

    def _connect(self) -> smtplib.SMTP:
        settings = self._settings
        if settings.smtp_security == "tls":
            connection: smtplib.SMTP = smtplib.SMTP_SSL(
                settings.smtp_host, settings.smtp_port, timeout=settings.smtp_timeout, context=self._tls
            )
        else:
            connection = smtplib.SMTP(settings.smtp_host, settings.smtp_port, timeout=settings.smtp_timeout)
        try:
            if settings.smtp_security == "starttls":
                connection.starttls(context=self._tls)
            if settings.smtp_username and settings.smtp_password:
                connection.login(settings.smtp_username, settings.smtp_password.get_secret_value())
        except BaseException:
            connection.close()
            raise
        return connection


def compose(notification: NotificationRequested, sender: str) -> EmailMessage:
    """The mail that tells a customer that an order is paid. The same notification always gives the same Message-ID."""
    customer = notification.customer
    local_part, _unused, domain = customer.email.rpartition("@")
    amount = format_amount(notification.amount, notification.currency)
    mail = EmailMessage(policy=SMTP)
    mail["Message-ID"] = f"<{notification.notification_id}@{sender.rpartition('@')[2]}>"
    mail["Date"] = format_datetime(notification.paid_at)
    mail["From"] = sender
    mail["To"] = Address(display_name=customer.name, username=local_part, domain=domain)
    mail["Subject"] = f"Order {notification.order_id} is paid"
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Order-ID"] = notification.order_id
    mail.set_content(
        f"Dear {customer.name},\n\nwe have received your payment of {amount} for order {notification.order_id}.\n"
    )
    return mail


def _failure(code: int, text: bytes | str, refused: str) -> TemporaryFailureError | PermanentFailureError:
    kind = PermanentFailureError if 500 <= code <= 599 else TemporaryFailureError
    return kind(f"the mail server refused {refused}: {_reply(code, text)}")


def _reply(code: int, text: bytes | str) -> str:
    # Of the text only the enhanced status code (RFC 3463): the rest usually repeats the customer's address.
    decoded = text.decode("ascii", "replace") if isinstance(text, bytes) else text
    enhanced = re.match(r"[245]\.\d{1,3}\.\d{1,3}", decoded)
    return f"{code} {enhanced.group()}" if enhanced else str(code)
