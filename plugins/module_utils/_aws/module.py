# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a module runs: it gets its clients, does its work, and ends in a result or in one clear message."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

# Where botocore is missing, AnsibleAWSModule says so, with the way out, before any of it is needed.
with suppress(ImportError):
    import botocore.exceptions

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from .._problems import InvalidInputError
from .._progress import counting, reporter
from .client import CallCounter, connect, explain


class RefusedError(Exception):
    """The work was not done, or not to its end; the message says why and gives the way out."""


class Aws:
    """The clients of one module run, made when first used.

    :param module: an AnsibleAWSModule.
    """

    def __init__(self, module: Any) -> None:
        self._module = module
        self.clients: dict[str, Any] = {}
        self.counter = CallCounter()
        self._report = reporter(module)

    def client(self, service: str) -> Any:
        """Return the boto3 client of ``service`` (``iam``, ``ec2``, ``cloudwatch``)."""
        if service not in self.clients:
            self.clients[service] = connect(self._module, service, self.counter)
        return self.clients[service]

    def counting(self, label: str) -> Callable[[int, int], None]:
        """Return what ``concurrently`` calls after each item, so that the operator sees how far the work has come."""
        return counting(self._report, label)

    def account(self) -> tuple[str, str]:
        """Return partition and account ID of the caller; one call of ``sts:GetCallerIdentity``."""
        identity = self.client("sts").get_caller_identity()
        return identity["Arn"].split(":")[1], identity["Account"]


def run_module(
    argument_spec: Mapping[str, Any], work: Callable[[AnsibleAWSModule, Aws], dict[str, Any]], **options: Any
) -> None:
    """Run ``work`` as a module that knows check mode, and end with the result that it returns.

    The result also says how many requests were made, as ``api_calls``.

    :param options: further arguments of AnsibleModule, such as ``required_if``.
    """
    module = AnsibleAWSModule(argument_spec=dict(argument_spec), supports_check_mode=True, **options)
    aws = Aws(module)
    try:
        result = work(module, aws)
    except (InvalidInputError, RefusedError) as error:
        module.fail_json(msg=str(error))
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
        module.fail_json(msg=explain(error, aws.clients.values()))
    module.exit_json(**result, api_calls=aws.counter.as_dict())


def diff(before: object, after: object) -> dict[str, str]:
    """Return what Ansible shows in diff mode, as sorted JSON, so that only what differs stands out."""
    return {"before": _render(before), "after": _render(after)}


def _render(value: object) -> str:
    return json.dumps(value, indent=2, sort_keys=True, default=str) + "\n" if value else ""
