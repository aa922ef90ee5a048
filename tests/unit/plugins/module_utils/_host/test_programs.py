# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.ecommerce.sqs.plugins.module_utils._host.programs import NoProgramError, ProgramError, run


def failure(script: str, timeout: float = 30) -> ProgramError:
    with pytest.raises(ProgramError) as caught:
        run(["sh", "-c", script], timeout=timeout)
    return caught.value


def test_what_a_program_prints_is_returned() -> None:
    assert run(["cat"], timeout=30) == ""
    assert run(["sh", "-c", "echo out; echo err >&2"], timeout=30) == "out\n"


def test_a_remedy_follows_one_line_and_stands_below_several() -> None:
    one, several = failure("echo broken >&2; exit 3"), failure("echo some; echo more >&2; exit 4")
    assert one.with_remedy("mend it").endswith("exit 3 failed with code 3: broken: mend it")
    assert several.with_remedy("mend it").endswith("exit 4 failed with code 4:\nsome\nmore\nmend it")
    assert (one.code, several.code) == (3, 4)


def test_the_end_of_a_long_output_is_told() -> None:
    message = str(failure("seq 5000; exit 1"))
    assert message.endswith("\n4999\n5000")
    assert len(message) < 2100


def test_a_program_that_does_not_end_is_ended_and_named() -> None:
    hanging = failure("exec sleep 60", timeout=0.2)
    assert str(hanging) == "sh -c exec sleep 60 did not end within 0.2 s"
    assert hanging.code is None


def test_a_missing_program_is_named() -> None:
    with pytest.raises(NoProgramError, match=r"^there is no program /nowhere/program$"):
        run(["/nowhere/program"], timeout=30)


def test_what_is_no_program_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProgramError, match=rf"^{tmp_path} cannot be run: Permission denied$"):
        run([str(tmp_path)], timeout=30)


def test_output_that_is_no_text_is_no_error() -> None:
    assert run(["printf", r"caf\351 ok"], timeout=30) == "caf\N{REPLACEMENT CHARACTER} ok"
