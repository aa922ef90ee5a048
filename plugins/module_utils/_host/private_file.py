# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read and replace a file that may hold secrets: whole or not at all, and never readable by others on the way."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import getpass
import os
import re
import shutil
import stat
import struct
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ENCODING = "utf-8"
# Bytes that are not UTF-8 come back unchanged, and can be told apart from text.
ERRORS = "surrogateescape"
# ioctl_iflags(2): the flags of a file, and those that keep it from being replaced.
FS_IOC_GETFLAGS = 0x80086601
FS_IMMUTABLE_FL = 0x10
FS_APPEND_FL = 0x20


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
    with _written(target, text, mode) as temporary:
        temporary.replace(target)


def create(path: str, text: str, mode: int) -> bool:
    """Write ``text`` to ``path`` in one step unless that is there already; return whether it was written.

    Raises OSError, leaving nothing behind.
    """
    target = Path(path)
    with _written(target, text, mode) as temporary:
        try:
            os.link(temporary, target)
        except FileExistsError:
            return False
        return True


@contextmanager
def _written(target: Path, text: str, mode: int) -> Iterator[Path]:
    """A file beside ``target``, of the same owner, that holds ``text`` and is gone at the end."""
    old = target.stat() if target.exists() else None
    descriptor, temporary = _locked_beside(target)
    try:
        with os.fdopen(descriptor, "w", encoding=ENCODING, errors=ERRORS, newline="") as stream:
            if old and (old.st_uid, old.st_gid) != (os.geteuid(), os.getegid()):
                os.fchown(stream.fileno(), old.st_uid, old.st_gid)
            os.fchmod(stream.fileno(), mode)
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
            yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def _locked_beside(target: Path) -> tuple[int, Path]:
    """An empty file beside ``target``; its lock tells it from one that a killed run left behind."""
    while True:
        descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except OSError:
            os.close(descriptor)
            Path(name).unlink(missing_ok=True)
            raise
        # Before it was locked another run may have swept it away.
        if os.fstat(descriptor).st_nlink:
            return descriptor, Path(name)
        os.close(descriptor)


def sweep(path: str) -> None:
    """Remove what killed calls of :func:`replace` and :func:`create` left beside ``path``, where that is possible."""
    target = Path(path).resolve()
    ours = re.compile(rf"\.{re.escape(target.name)}\.[a-z0-9_]{{8}}")
    with contextlib.suppress(OSError):
        for found in [entry for entry in target.parent.iterdir() if ours.fullmatch(entry.name)]:
            with found.open("rb") as stream, contextlib.suppress(BlockingIOError):
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                found.unlink()


def check_replaceable(path: str) -> None:
    """Raise the OSError with which :func:`replace` would fail on a file or folder that nobody may change.

    A folder that is not there yet is no error.
    """
    target = Path(path).resolve()
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    if not target.parent.is_dir():
        return
    # Only attempts tell: permission bits say nothing of read-only mounts and flags.
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    os.close(descriptor)
    # Another run may have swept it away, as it may the link below.
    Path(name).unlink(missing_ok=True)
    if not target.exists():
        return
    try:
        os.link(target, name)
        Path(name).unlink(missing_ok=True)
    except OSError as error:
        # Of a file that is a mount itself no link can be made, of one with the flag "immutable" neither. Where a file
        # system has no links at all, nothing is known.
        if error.errno == errno.EXDEV or (error.errno == errno.EPERM and _is_immutable(target)):
            raise


def _is_immutable(target: Path) -> bool:
    with target.open("rb") as stream, contextlib.suppress(OSError):
        flags = fcntl.ioctl(stream, FS_IOC_GETFLAGS, struct.pack("l", 0))
        return bool(struct.unpack("l", flags)[0] & (FS_IMMUTABLE_FL | FS_APPEND_FL))
    return False


def explain(path: str, error: OSError) -> str:
    """Return a sentence that says what keeps ``path`` from being read or written, and the way out."""
    folder = Path(path).parent
    remedies = {
        errno.ENOENT: f"there is no folder {folder}; make it first, or correct the path",
        errno.ENOTDIR: f"a part of {folder} is a file; correct the path",
        errno.EISDIR: "it is a folder, and a file is needed; move it away and run again",
        errno.ENOSPC: f"the disk is full; make room on the file system of {folder} and run again",
        errno.EDQUOT: f"the disk quota is used up; make room in {folder} and run again",
        errno.EROFS: f"the file system of {folder} is mounted read-only; mount it writable and run again",
        errno.EBUSY: "it is a mount of its own; unmount it (findmnt shows it) and run again",
        errno.EXDEV: "it is a mount of its own; unmount it (findmnt shows it) and run again",
        errno.EPERM: "it must not be changed; take its flag away (lsattr shows it, chattr -i removes it) and run again",
        errno.EACCES: f"the user {getpass.getuser()} may not; give that user the right, or become another",
    }
    if error.errno in remedies:
        return f"{path} cannot be read or written: {remedies[error.errno]}"
    return f"{path} cannot be read or written: {error.strerror}"


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
