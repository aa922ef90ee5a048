# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every module has to stand: check mode writes nothing and tells all, a second run has nothing to do."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from ansible_collections.ecommerce.sqs.tests.unit.support.strict_aws import StrictAws

Result = dict[str, Any]


def three_runs(
    run: Callable[..., tuple[Result, StrictAws]], *given: Any, unpredicted: Collection[str] = (), **options: Any
) -> tuple[Result, list[str]]:
    """Run in check mode, for real, and again; return what the real run returned and the writes that it made.

    :param run: takes ``check_mode`` beside what is given; returns the result and the AWS that was called.
    :param unpredicted: keys of the result that check mode cannot know.
    """
    expected, aws = run(*given, check_mode=True, **options)
    assert aws.writes == []
    done, aws = run(*given, **options)
    writes = aws.writes
    assert writes
    assert done["changed"]
    assert {**expected, **{key: done[key] for key in unpredicted}} == done
    again, aws = run(*given, **options)
    assert aws.writes == []
    assert not again["changed"]
    assert again["diff"]["before"] == again["diff"]["after"]
    return done, writes
