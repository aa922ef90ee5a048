# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder of source code as one digest and one archive, the same on every machine and at any time."""

from __future__ import annotations

import fnmatch
import hashlib
import os
import tarfile
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# Made on the developer's machine, or the host's own.
LEFT_OUT = (
    "__pycache__", "*.pyc", "*.egg-info", ".env", ".git", ".hypothesis", ".mypy_cache", ".pytest_cache", ".ruff_cache",
    ".venv", "node_modules",
)  # fmt: skip


class SourceError(Exception):
    """The folder cannot be used; the message names it and the way out."""


def digest(folder: str) -> str:
    """Return a hexadecimal digest of the folder's files: paths, contents and which are executable.

    Raises SourceError when it is not a folder, a file cannot be read or a link leads out of it.
    """
    summary = hashlib.sha256()
    root = _checked(folder)
    try:
        for path in _files(root):
            parts = [str(path.relative_to(root))]
            if path.is_symlink():
                parts += ["link", _target(path, root)]
            else:
                parts += ["x" if _is_executable(path) else "-", hashlib.sha256(path.read_bytes()).hexdigest()]
            summary.update("\0".join(parts).encode("utf-8", "surrogateescape") + b"\n")
    except OSError as error:
        raise SourceError(f"{error.filename} cannot be read: {error.strerror}") from error
    return summary.hexdigest()


def archive(folder: str, destination: str) -> None:
    """Write the files that :func:`digest` covers into the compressed tar file ``destination``. Raises SourceError."""
    root = _checked(folder)
    try:
        with tarfile.open(destination, "w:gz", compresslevel=6) as tar:
            for path in _files(root):
                entry = tar.gettarinfo(str(path), arcname=str(path.relative_to(root)))
                entry.uid = entry.gid = 0
                entry.uname = entry.gname = ""
                entry.mode = 0o755 if _is_executable(path) else 0o644
                if path.is_symlink():
                    _target(path, root)
                    tar.addfile(entry)
                else:
                    with path.open("rb") as stream:
                        tar.addfile(entry, stream)
    except OSError as error:
        raise SourceError(f"{error.filename or folder} cannot be packed: {error.strerror}") from error


def check_links(folder: str, source: str) -> None:
    """Raise SourceError for a link that leads out of ``folder``, to which the archive ``source`` was unpacked."""
    root = Path(folder)
    for path in _files(root):
        if path.is_symlink():
            _target(path, root, source)


def _target(path: Path, root: Path, source: str = "") -> str:
    """Return where a link points. Raises SourceError when a host, which has nothing but ``root``, cannot follow it."""
    link, target = path.relative_to(root), path.readlink()
    if target.is_absolute() or PurePath(os.path.normpath(link.parent / target)).parts[:1] == ("..",):
        raise SourceError(
            f"{source or root}: the link {link} points to {target}, out of the source, and hosts get the source alone: "
            "make it relative and point into the source, put a copy of its target there, or leave it out"
        )
    return str(target)


def _checked(folder: str) -> Path:
    root = Path(folder)
    if not root.is_dir():
        raise SourceError(f"{folder} is not a folder on the machine that runs the playbook")
    return root


def _files(root: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not _is_left_out(name))
        links = [name for name in folders if (Path(parent) / name).is_symlink()]
        for name in sorted([*links, *(name for name in files if not _is_left_out(name))]):
            path = Path(parent) / name
            if path.is_symlink() or path.is_file():
                yield path


def _is_left_out(name: str) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in LEFT_OUT)


def _is_executable(path: Path) -> bool:
    return bool(path.lstat().st_mode & 0o100)
