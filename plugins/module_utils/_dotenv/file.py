# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of a ``.env`` file of this host, worked out without touching it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._host import private_file
from .text import Change, DotenvError, edit, plain_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def plan(
    path: str, present: Mapping[str, Any], secrets: Mapping[str, Any], absent: Sequence[str] = ()
) -> tuple[str | None, Change]:
    """Return the text that the file has, None where there is none, and the change that it gets.

    ``present`` and ``secrets`` are keys with their values as YAML has them, ``secrets`` those that no diff shows;
    ``absent`` are keys to take out. Raises DotenvError for what a .env file cannot hold, and OSError for a file that
    cannot be read.
    """
    overlap = sorted(set(present) & set(secrets))
    if overlap:
        raise DotenvError(f"{', '.join(overlap)}: given both in present and in secrets")
    values = {key: plain_text(key, value) for key, value in {**present, **secrets}.items()}
    before = private_file.read(path)
    return before, edit(before or "", values, absent, secrets=list(secrets))


def problem(path: str, present: Mapping[str, Any], secrets: Mapping[str, Any]) -> str | None:
    """Return what would keep the file from taking these keys, as a sentence with its way out; None when nothing would.

    A folder that is not there yet is no problem.
    """
    try:
        _before, change = plan(path, present, secrets)
        if change.is_change:
            private_file.check_replaceable(path)
    except (DotenvError, OSError) as error:
        return explain(path, error)
    return None


def explain(path: str, error: DotenvError | OSError) -> str:
    """Return the sentence for an error of this file."""
    return private_file.explain(path, error) if isinstance(error, OSError) else f"{path}: {error}"
