# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read and replace a file that may hold secrets: whole or not at all, and never readable by others on the way."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import time
from pathlib import Path

ENCODING = "utf-8"
# Bytes that are not UTF-8 in lines that are not ours come back unchanged.
ERRORS = "surrogateescape"


def read(path: str) -> str | None:
    """Return the text of ``path`` with its line ends as they are, or None when there is no such file.

    Raises OSError for anything else that keeps it from being read, a folder among them.
    """
    try:
        with Path(path).open(encoding=ENCODING, errors=ERRORS, newline="") as stream:
            return stream.read()
    except FileNotFoundError:
        return None


def replace(path: str, text: str, mode: int) -> None:
    """Write ``text`` to ``path`` in one step, with the permission bits ``mode``.

    A link is followed, so that the file it names is replaced and not the link. The owner and group of a file that
    was there stay. Raises OSError, leaving the old file as it was and nothing beside it.
    """
    target = Path(path).resolve()
    old = target.stat() if target.exists() else None
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding=ENCODING, errors=ERRORS, newline="") as stream:
            if old and (old.st_uid, old.st_gid) != (os.geteuid(), os.getegid()):
                os.fchown(stream.fileno(), old.st_uid, old.st_gid)
            os.fchmod(stream.fileno(), mode)
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(target)
    except BaseException:
        temporary.unlink()
        raise


def back_up(path: str) -> str:
    """Copy ``path`` beside itself with its mode and owner; return the copy's path. Raises OSError."""
    target = Path(path).resolve()
    copy = f"{target}.{time.strftime('%Y-%m-%d@%H:%M:%S')}~"
    old = target.stat()
    descriptor = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, stat.S_IRUSR | stat.S_IWUSR)
    with os.fdopen(descriptor, "wb") as stream, target.open("rb") as source:
        shutil.copyfileobj(source, stream)
        os.fchown(stream.fileno(), old.st_uid, old.st_gid)
        os.fchmod(stream.fileno(), stat.S_IMODE(old.st_mode))
    return copy


def version(path: str) -> str | None:
    """Return a text that changes with each write of the file and tells nothing of its content; None without a file."""
    try:
        return str(Path(path).stat().st_mtime_ns)
    except FileNotFoundError:
        return None
