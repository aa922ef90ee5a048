# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the programs that fill a release, such as Python, pip and npm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._host import programs
from .errors import ReleaseError

if TYPE_CHECKING:
    from collections.abc import Sequence

TIMEOUT = 900  # seconds, for a slow network
UMASK = 0o022  # the services read what is installed, as other users


def run(command: Sequence[str], *, remedy: str, place: str = "", **options: Any) -> str:
    """Run a program and return its standard output.

    ``options`` are those of :func:`programs.run`. Raises ReleaseError, which ends in ``remedy`` and begins with
    ``place``, such as ``in app, ``.
    """
    try:
        return programs.run(command, timeout=TIMEOUT, umask=UMASK, **options)
    except programs.ProgramError as error:
        raise ReleaseError(place + error.with_remedy(remedy)) from None
