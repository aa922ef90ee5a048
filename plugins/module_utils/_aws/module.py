# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a module of AWS runs: it does its work, and ends in a result or in one clear message."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

# Where botocore is missing, AnsibleAWSModule says so, with the way out, before any of it is needed.
with suppress(ImportError):
    import botocore.exceptions

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from .._problems import InvalidInputError, RefusedError
from .client import explain
from .run import Aws

Work = Callable[[Mapping[str, Any], Aws], dict[str, Any]]
"""Takes the module's options, returns its result. Raises InvalidInputError for options that are refused, before the
first call; RefusedError for work that is; and botocore's errors."""


def run_module(argument_spec: Mapping[str, Any], work: Work, **options: Any) -> None:
    """Run ``work`` as a module that knows check mode, and end with the result that it returns.

    The result also says how many requests were made, as ``api_calls``; that of a refused input its faults, as
    ``errors``.

    :param options: further arguments of AnsibleModule, such as ``required_if``.
    """
    module = AnsibleAWSModule(argument_spec=dict(argument_spec), supports_check_mode=True, **options)
    aws = Aws(module)
    try:
        result = work(module.params, aws)
    except InvalidInputError as error:
        module.fail_json(msg=str(error), errors=error.errors)
    except RefusedError as error:
        module.fail_json(msg=str(error), api_calls=aws.counter.as_dict(), **error.details)
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
        module.fail_json(msg=explain(error, aws.clients))
    module.exit_json(**result, api_calls=aws.counter.as_dict())
