# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one run of a module has of AWS: region, account, and clients made when first used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._problems import RefusedError
from .._progress import counting, reporter
from .client import ATTEMPTS, CallCounter, connect


class Aws:
    """The AWS of one module run.

    :param module: an AnsibleAWSModule.
    """

    def __init__(self, module: Any) -> None:
        self._module = module
        self._clients: dict[tuple[str, str | None, int], Any] = {}
        self.check_mode = bool(module.check_mode)
        self.diff_mode = bool(module._diff)
        self.counter = CallCounter()
        self.report = reporter(module)

    @property
    def region(self) -> str:
        """The region of the run. Raises RefusedError where none is set."""
        if not self._module.region:
            raise RefusedError("no region is set; set region, AWS_REGION, or one in the AWS profile")
        return str(self._module.region)

    @property
    def clients(self) -> list[Any]:
        """The clients made so far."""
        return list(self._clients.values())

    def client(self, service: str, *, region: str | None = None, attempts: int = ATTEMPTS) -> Any:
        """Return the boto3 client of ``service`` (``iam``, ``ec2``, ``cloudwatch``); see :func:`client.connect`.

        Raises RefusedError where no region is set and ``region`` names none, before amazon.aws ends the module itself.
        """
        key = (service, region or self.region, attempts)
        if key not in self._clients:
            self._clients[key] = connect(self._module, service, self.counter, region=region, attempts=attempts)
        return self._clients[key]

    def caller(self) -> str:
        """Return the ARN of the caller, which says partition and account; one call of ``sts:GetCallerIdentity``."""
        return str(self.client("sts").get_caller_identity()["Arn"])

    def counting(self, label: str) -> Callable[[int, int], None]:
        """Return what ``concurrently`` calls after each item, so that the operator sees how far the work has come."""
        return counting(self.report, label)

    def warn(self, text: str) -> None:
        """Have the module's result warn the operator."""
        self._module.warn(text)
