# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.ecommerce.sqs.plugins.module_utils._host.errors import HostError
from ansible_collections.ecommerce.sqs.plugins.module_utils._host.module import run_module


def run(work: Callable[[Any], Any], arguments: dict[str, Any] | None = None) -> dict[str, Any]:
    output = io.StringIO()
    with patch_module_args(arguments or {}), contextlib.redirect_stdout(output), contextlib.suppress(SystemExit):
        run_module({"name": {"type": "str"}}, work)
    result: dict[str, Any] = json.loads(output.getvalue())
    return result


def test_the_result_of_the_work_is_that_of_the_module() -> None:
    result = run(lambda module: {"changed": module.check_mode, "name": module.params["name"]}, {"name": "a"})
    assert (result["changed"], result["name"]) == (False, "a")


def test_every_module_knows_check_mode() -> None:
    assert run(lambda module: {"changed": module.check_mode}, {"_ansible_check_mode": True})["changed"]


def test_an_error_of_the_host_is_the_failure_with_what_it_brings() -> None:
    def fail(_module: Any) -> None:
        raise HostError("it is broken: mend it", problems=["a"])

    result = run(fail)
    assert (result["failed"], result["msg"], result["problems"]) == (True, "it is broken: mend it", ["a"])


def test_a_file_that_is_in_the_way_is_one_message_with_a_way_out(tmp_path: Path) -> None:
    result = run(lambda _module: (tmp_path / "gone" / "file").write_text(""))
    assert result["failed"]
    assert result["msg"].startswith(f"{tmp_path}/gone/file cannot be read or written: there is no folder")


def test_a_fault_of_our_own_is_not_taken_for_one_of_the_host() -> None:
    def fail(_module: Any) -> None:
        raise OSError("no file in it")

    with pytest.raises(OSError, match="no file in it"):
        run(fail)
