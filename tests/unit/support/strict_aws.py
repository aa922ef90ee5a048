# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""An AWS for tests: moto in this process, a record of every call, and refusals as AWS words them.

A refusal is what moto does not know (a profile that EC2 has not heard of, a missing permission). Where a test adds one,
the table RULES of test_strict_rules names the rule and where AWS states it.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import boto3

from ansible_collections.ecommerce.sqs.plugins.module_utils._aws.run import Aws

REGION = "ap-southeast-1"
ACCOUNT = "123456789012"
READS = ("Get", "List", "Describe")


class StrictAws(Aws):
    """The clients of one run; to be used inside ``moto.mock_aws``."""

    def __init__(self) -> None:
        super().__init__(SimpleNamespace(region=REGION, check_mode=False, _diff=False))
        self.made: dict[str, Any] = {}
        self.calls: list[str] = []
        self._refusals: dict[str, Callable[[dict[str, Any]], tuple[str, str] | None]] = {}

    def client(self, service: str, **_more: Any) -> Any:
        if service not in self.made:
            client = boto3.client(service, region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test")
            client.meta.events.register("before-call", self._before_call)
            self.made[service] = client
        return self.made[service]

    @property
    def writes(self) -> list[str]:
        """Names of the operations called so far that change something, in order."""
        return [name for name in self.calls if not name.startswith(READS)]

    def refuse(self, operation: str, code: str, message: str, times: int | None = None) -> None:
        """Answer ``operation`` with an error, always or so many times."""
        left = [times]

        def decide(_params: dict[str, Any]) -> tuple[str, str] | None:
            if left[0] is None:
                return code, message
            if left[0] > 0:
                left[0] -= 1
                return code, message
            return None

        self._refusals[operation] = decide

    def _before_call(self, model: Any, params: dict[str, Any], **_unused: Any) -> Any:
        self.calls.append(model.name)
        refusal = self._refusals.get(model.name, lambda _params: None)(params)
        if refusal is None:
            return None
        code, message = refusal
        status = 403 if "Denied" in code or "Unauthorized" in code else 400
        error = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
        return SimpleNamespace(status_code=status), error


class Clock:
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds
