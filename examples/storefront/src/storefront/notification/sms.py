# SPDX-License-Identifier: GPL-3.0-or-later
"""SMS through Amazon SNS, where the customer has a phone number."""

from __future__ import annotations

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from storefront.messages import NotificationRequested, format_amount
from storefront.notification.channel import PermanentFailureError, TemporaryFailureError
from storefront.notification.settings import NotificationSettings

# https://docs.aws.amazon.com/sns/latest/api/API_Publish.html#API_Publish_Errors: those that the message itself causes.
_PERMANENT = frozenset({"InvalidParameter", "InvalidParameterValue", "ParameterValueInvalid", "OptedOut"})


class SmsChannel:
    """Publishes to phone numbers; endpoint and credentials come by botocore's ordinary chain."""

    name = "sms"

    def __init__(self, settings: NotificationSettings) -> None:
        config = Config(
            connect_timeout=settings.sms_timeout,
            read_timeout=settings.sms_timeout,
            retries={"mode": "standard", "total_max_attempts": 2},
        )
        self._sns = boto3.client("sns", region_name=settings.aws_region, config=config)

    def reaches(self, notification: NotificationRequested) -> bool:
        """Whether the customer has a phone number."""
        return notification.customer.phone is not None

    def send(self, notification: NotificationRequested) -> str:
        """Publish the text and return SNS's message ID."""
        amount = format_amount(notification.amount, notification.currency)
        try:
            answer = self._sns.publish(
                PhoneNumber=notification.customer.phone or "",
                Message=f"Order {notification.order_id}: payment of {amount} received.",
                MessageAttributes={"AWS.SNS.SMS.SMSType": {"DataType": "String", "StringValue": "Transactional"}},
            )
        except ClientError as error:
            code = error.response["Error"]["Code"]
            kind = PermanentFailureError if code in _PERMANENT else TemporaryFailureError
            raise kind(f"SNS refused the SMS: {code}") from error
        except BotoCoreError as error:
            raise TemporaryFailureError(f"SNS cannot be used: {type(error).__name__}") from error
        return str(answer["MessageId"])
