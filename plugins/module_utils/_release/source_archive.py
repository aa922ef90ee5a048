# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sources that come as an archive, unpacked for as long as they are needed and trusted no further than a folder."""

from __future__ import annotations

import os
import stat
import tarfile
import tempfile
import zipfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from .source_tree import SourceError, check_links

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMIT = 2_000_000_000
"""Bytes that an archive may hold when unpacked: a small file may claim to be the size of a disk."""


@contextmanager
def as_folder(source: str) -> Iterator[str]:
    """Yield the folder of ``source``, which is one or a tar or zip archive of one.

    An archive whose files are all in one folder stands for that folder. Raises SourceError.
    """
    if not Path(source).is_file():
        yield source
        return
    with tempfile.TemporaryDirectory() as temporary:
        try:
            if zipfile.is_zipfile(source):
                _unzip(source, temporary)
            elif tarfile.is_tarfile(source):
                _untar(source, temporary)
            else:
                raise SourceError(
                    f"{source} is neither a folder nor an archive: give a .tar.gz, .tar.xz, .tar.bz2 or .zip"
                )
        except (OSError, EOFError, ValueError, tarfile.TarError, zipfile.BadZipFile) as error:
            raise SourceError(f"{source} cannot be unpacked: {error}") from error
        entries = list(Path(temporary).iterdir())
        is_wrapped = len(entries) == 1 and entries[0].is_dir() and not entries[0].is_symlink()
        folder = str(entries[0]) if is_wrapped else temporary
        check_links(folder, source)
        yield folder


def _untar(source: str, destination: str) -> None:
    if not hasattr(tarfile, "data_filter"):
        raise SourceError(f"{source}: this Python cannot unpack it safely; take 3.11.4 or newer, or give a folder")
    with tarfile.open(source) as tar:
        total = 0
        for member in tar:
            total += member.size
            _check_size(source, total)
        # Refuses what leaves the folder, links out of it and devices (PEP 706).
        tar.extractall(destination, filter="data")


def _unzip(source: str, destination: str) -> None:
    with zipfile.ZipFile(source) as packed:
        _check_size(source, sum(entry.file_size for entry in packed.infolist()))
        links: dict[Path, str] = {}
        for entry in packed.infolist():
            unpacked = Path(packed.extract(entry, destination))
            links.pop(unpacked, None)
            # The Unix mode is in the upper half; zipfile leaves it out.
            mode = entry.external_attr >> 16
            if stat.S_ISLNK(mode):
                links[unpacked] = os.fsdecode(packed.read(entry))
            elif not entry.is_dir() and mode & 0o100:
                unpacked.chmod(0o755)
        # Last, so that nothing is unpacked through one.
        for link, target in links.items():
            link.unlink()
            link.symlink_to(target)


def _check_size(source: str, total: int) -> None:
    if total > LIMIT:
        raise SourceError(
            f"{source} is above {LIMIT} bytes when unpacked: leave out what is built or fetched, such as node_modules"
        )
