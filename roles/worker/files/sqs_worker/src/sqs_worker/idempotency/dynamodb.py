# SPDX-License-Identifier: GPL-3.0-or-later
"""Idempotency keys in a DynamoDB table with the string hash key ``key``; its TTL attribute is ``expires_at``."""

from __future__ import annotations

import math
import time
from typing import Any

import botocore.exceptions

from sqs_worker.client import botocore_client
from sqs_worker.idempotency.store import Begun

CONDITION_FAILED = "ConditionalCheckFailedException"


class DynamoStore:
    """Every step is one conditional write."""

    def __init__(self, table: str, ttl: float, client: Any = None) -> None:
        self._table = table
        self._ttl = ttl
        self._client = client or botocore_client("dynamodb")

    def begin(self, key: str, owner: str, lock_seconds: float) -> Begun:
        """See Store."""
        now = time.time()
        try:
            self._client.put_item(
                TableName=self._table,
                Item=_item(key, owner, done=False, expires_at=now + lock_seconds),
                ConditionExpression="attribute_not_exists(#k) OR expires_at <= :now OR (#o = :owner AND done = :no)",
                ExpressionAttributeNames={"#k": "key", "#o": "owner"},
                ExpressionAttributeValues={":now": {"N": f"{now:.3f}"}, ":owner": {"S": owner}, ":no": {"BOOL": False}},
            )
        except botocore.exceptions.ClientError as error:
            if error.response["Error"]["Code"] != CONDITION_FAILED:
                raise
        else:
            return Begun.ACQUIRED
        item = self._client.get_item(TableName=self._table, Key={"key": {"S": key}}, ConsistentRead=True).get(
            "Item", {}
        )
        return Begun.DONE if item.get("done", {}).get("BOOL") else Begun.BUSY

    def finish(self, key: str, owner: str) -> None:
        """See Store."""
        item = _item(key, owner, done=True, expires_at=time.time() + self._ttl)
        self._owned(self._client.put_item, owner, Item=item)

    def abandon(self, key: str, owner: str) -> None:
        """See Store."""
        self._owned(self._client.delete_item, owner, Key={"key": {"S": key}})

    def _owned(self, operation: Any, owner: str, **parameters: Any) -> None:
        """Write only what is still the owner's: a lock that expired may be another worker's by now."""
        try:
            operation(
                TableName=self._table,
                ConditionExpression="#o = :owner",
                ExpressionAttributeNames={"#o": "owner"},
                ExpressionAttributeValues={":owner": {"S": owner}},
                **parameters,
            )
        except botocore.exceptions.ClientError as error:
            if error.response["Error"]["Code"] != CONDITION_FAILED:
                raise


def _item(key: str, owner: str, *, done: bool, expires_at: float) -> dict[str, Any]:
    return {
        "key": {"S": key},
        "owner": {"S": owner},
        "done": {"BOOL": done},
        "expires_at": {"N": str(math.ceil(expires_at))},
    }
