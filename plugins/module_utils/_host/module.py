# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a module of the host runs: it does its work, and ends in a result or in one clear message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible.module_utils.basic import AnsibleModule

from .errors import HostError
from .private_file import explain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def run_module(
    argument_spec: Mapping[str, Any], work: Callable[[AnsibleModule], Mapping[str, Any]], **options: Any
) -> None:
    """Run ``work`` as a module that knows check mode, and end with the result that it returns.

    A HostError is the module's failure, and so is an OSError that names its file.

    :param options: further arguments of AnsibleModule, such as ``required_if``.
    """
    module = AnsibleModule(argument_spec=dict(argument_spec), supports_check_mode=True, **options)
    try:
        result = work(module)
    except HostError as error:
        module.fail_json(msg=str(error), **error.result)
    except OSError as error:
        if error.filename is None:
            raise
        module.fail_json(msg=explain(str(error.filename), error))
    module.exit_json(**result)
