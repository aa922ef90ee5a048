# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads and writes of a dashboard. It decides nothing."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

# Where botocore is missing, AnsibleAWSModule says so, with the way out, before any of it is needed.
with suppress(ImportError):
    import botocore.exceptions

from .._aws.client import error_code

GONE = ("ResourceNotFound", "DashboardNotFoundError")


class DashboardApi:
    """CloudWatch as dashboards need it.

    :param client: a boto3 client of CloudWatch.
    """

    def __init__(self, client: Any) -> None:
        self._client = client

    def read(self, name: str) -> Any:
        """Return the dashboard parsed; None where there is none, and its text where that is no JSON."""
        try:
            body = self._client.get_dashboard(DashboardName=name)["DashboardBody"]
        except botocore.exceptions.ClientError as error:
            if error_code(error) not in GONE:
                raise
            return None
        try:
            return json.loads(body)
        except ValueError:
            return body

    def put(self, name: str, body: dict[str, Any]) -> list[str]:
        """Write the dashboard, which is replaced as a whole; return what CloudWatch has to remark about it."""
        answer = self._client.put_dashboard(DashboardName=name, DashboardBody=json.dumps(body, separators=(",", ":")))
        return [message["Message"] for message in answer.get("DashboardValidationMessages", [])]

    def delete(self, name: str) -> None:
        self._client.delete_dashboards(DashboardNames=[name])
