# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a module's main() in this process against a fake service."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
from collections.abc import Mapping
from typing import Any
from unittest import mock

from ansible.module_utils.testing import patch_module_args
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ansible_collections.ecommerce.sqs.tests.unit.support.strict_sqs import ACCOUNT, REGION, StrictSqs


class FakeSts:
    """Tells the account, and has the events that a client has."""

    def __init__(self) -> None:
        self.meta = mock.Mock()

    def get_caller_identity(self) -> dict[str, str]:
        return {"Arn": f"arn:aws:iam::{ACCOUNT}:user/somebody"}


def run_module(
    name: str, service: StrictSqs, arguments: Mapping[str, Any], *, check_mode: bool = False
) -> dict[str, Any]:
    """Return the result of the module ``name``; a failed one has ``failed``. Anything but a result is an error."""
    module = importlib.import_module(f"ansible_collections.ecommerce.sqs.plugins.modules.{name}")

    def client(_self: AnsibleAWSModule, kind: str, config: Any = None, **_more: Any) -> Any:
        return FakeSts() if kind == "sts" else service.client(config)

    given = {"region": REGION, "_ansible_check_mode": check_mode, "_ansible_diff": True, **arguments}
    output = io.StringIO()
    with (
        patch_module_args(given),
        mock.patch.object(AnsibleAWSModule, "client", client),
        contextlib.redirect_stdout(output),
        contextlib.suppress(SystemExit),
    ):
        module.main()
    result: dict[str, Any] = json.loads(output.getvalue())
    assert "Traceback" not in str(result.get("exception", "")), result
    return result
