# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a program of the host to its end, and say what came of it when that is nothing good."""

from __future__ import annotations

import signal
import subprocess
from typing import TYPE_CHECKING, Any

from .errors import HostError

if TYPE_CHECKING:
    from collections.abc import Sequence

SHOWN = 2000  # characters of what a program said, its last ones


class ProgramError(HostError):
    """A program does not run, did not end in time or failed; the message says which and what it said.

    ``code`` is what it ended with, None when it did not end by itself.
    """

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.code = code

    def with_remedy(self, remedy: str) -> str:
        """Return the message with a way out, on a line of its own where the program said more than a line."""
        message = str(self)
        return ("\n" if "\n" in message else ": ").join((message, remedy))


class NoProgramError(ProgramError):
    """There is no such program."""


def run(command: Sequence[str], *, timeout: float, **options: Any) -> str:
    """Run a program for ``timeout`` seconds at most and return its standard output, which is taken for UTF-8.

    ``options`` are those of ``subprocess.run``; without ``stdin`` there is nothing to read. Raises ProgramError, and
    its subclass NoProgramError.
    """
    options.setdefault("stdin", subprocess.DEVNULL)
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=timeout,
            check=False,
            **options,
        )
    except FileNotFoundError:
        raise NoProgramError(f"there is no program {command[0]}") from None
    except OSError as error:
        raise ProgramError(f"{command[0]} cannot be run: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise ProgramError(f"{' '.join(command)} did not end within {timeout:g} s") from None
    if done.returncode:
        said = "\n".join(filter(None, (done.stdout.strip(), done.stderr.strip())))[-SHOWN:]
        parts = [f"{' '.join(command)} {_end(done.returncode)}", *([said] if said else [])]
        raise ProgramError((":\n" if "\n" in said else ": ").join(parts), done.returncode)
    return str(done.stdout)


def _end(code: int) -> str:
    # A negative one is subprocess's word for the signal that ended the program.
    return f"failed with code {code}" if code > 0 else f"was ended by signal {-code}, {signal.strsignal(-code)}"
