# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The work of the module ``dotenv``: the keys of a file, then its owner and permissions as Ansible sets them."""

from __future__ import annotations

from typing import Any

from .._host import private_file
from .._host.errors import HostError
from . import file
from .text import DotenvError


def reconcile(module: Any) -> dict[str, Any]:
    """Bring the file to what the parameters ask for and return the module's result. Raises HostError.

    :param module: an AnsibleModule, which sets owner and permissions.
    """
    try:
        return _reconcile(module)
    except (DotenvError, OSError) as error:
        raise HostError(file.explain(module.params["path"], error)) from error


def _reconcile(module: Any) -> dict[str, Any]:
    params = module.params
    path = params["path"]
    before, change = file.plan(path, params["present"], params["secrets"], params["absent"])
    result: dict[str, Any] = {
        "changed": change.is_change,
        "added": change.added,
        "modified": change.modified,
        "removed": change.removed,
        "diff": [
            {
                "before": change.masked_before,
                "after": change.masked_after,
                "before_header": path if before is not None else f"{path} (not there)",
                "after_header": path,
            },
        ],
    }
    if change.is_change and module.check_mode:
        private_file.check_replaceable(path)
    if not module.check_mode:
        private_file.sweep(path)
    if change.is_change and not module.check_mode:
        if params["backup"] and before is not None:
            result["backup_file"] = private_file.back_up(path)
        private_file.replace(path, change.after, 0o600)
    if private_file.read(path) is not None:
        file_arguments = module.load_file_common_arguments(params)
        attributes = {"before_header": f"{path} (attributes)", "after_header": f"{path} (attributes)"}
        result["changed"] = module.set_fs_attributes_if_different(file_arguments, result["changed"], attributes)
        if "before" in attributes:
            result["diff"].append(attributes)
    result["version"] = private_file.version(path)
    return result
