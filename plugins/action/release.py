# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of the module ``release``: sends digests first, and the sources only when the host lacks them."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.ecommerce.sqs.plugins.module_utils._release.source_archive import as_folder
from ansible_collections.ecommerce.sqs.plugins.module_utils._release.source_tree import SourceError, archive, digest


class ActionModule(ActionBase):
    _supports_check_mode = True
    _supports_diff = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        if arguments.get("release"):
            result |= self._execute_module("ecommerce.sqs.release", arguments, task_vars=task_vars)
            return result
        sources = arguments.get("sources")
        if not isinstance(sources, dict) or not sources:
            raise AnsibleActionFail("sources: name at least one folder, as in sources: {app: /path/of/the/app}")
        try:
            with ExitStack() as opened:
                folders = {name: opened.enter_context(as_folder(source)) for name, source in sources.items()}
                arguments["sources"] = {name: digest(folder) for name, folder in folders.items()}
                result |= self._execute_module("ecommerce.sqs.release", arguments, task_vars=task_vars)
                if result.pop("archives_wanted", False):
                    arguments["archives"] = self._send(folders)
                    result = self._execute_module("ecommerce.sqs.release", arguments, task_vars=task_vars)
                    result.pop("archives_wanted", None)
        except SourceError as error:
            raise AnsibleActionFail(str(error)) from error
        finally:
            self._remove_tmp_path(self._connection._shell.tmpdir)
        return result

    def _send(self, folders: dict[str, str]) -> dict[str, str]:
        """Pack each folder and return where its archive is on the host."""
        if not self._connection._shell.tmpdir:
            self._make_tmp_path()
        sent = {}
        with tempfile.TemporaryDirectory() as local:
            for name, folder in folders.items():
                packed = Path(local) / f"{name}.tar.gz"
                archive(folder, str(packed))
                remote = self._connection._shell.join_path(self._connection._shell.tmpdir, packed.name)
                sent[name] = self._transfer_file(str(packed), remote)
            self._fixup_perms2([self._connection._shell.tmpdir, *sent.values()])
        return sent
