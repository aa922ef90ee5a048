# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The virtual environment of a release: what tells it from another, how it is built, and which part releases share."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import tools
from .errors import ReleaseError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

DIGEST_LENGTH = 12
# Lines of a requirements file that have pip read another one, and that have it read what stands in the source.
READS_FILE = re.compile(r"\s*(?:-[rc]\s*|--(?:requirement|constraint)[\s=]+)(\S+)")
READS_PROJECT = re.compile(
    r"\s*(?:-e|-f|--editable|--find-links)\b|\s*[./~]|[^#]*\bfile:|\s*[^#;@-][^#;@]*(?:/|\.whl|\.zip|\.tar\.)"
)


@dataclass(frozen=True)
class Virtualenv:
    """The virtual environment of a release.

    ``requirements`` are requirement files and ``packages`` Python projects, both as paths inside the release. ``uv`` is
    the command that runs uv; without, the environment has its own pip.
    """

    python: str = "python3"
    requirements: Sequence[str] = ()
    packages: Sequence[str] = ()
    build_isolation: bool = True
    uv: Sequence[str] = ()

    def digest(self, sources: Mapping[str, str]) -> str:
        """Return what names the environment of a release of sources with these digests. Raises ReleaseError."""
        named = sorted(sources.items()) if self.packages or self.requirements else []
        return _digest([self._version(), named, list(self.requirements), list(self.packages)])

    def shared_name(self, release: Path) -> str | None:
        """Return the name under which releases share what the requirements install, None when they cannot.

        They cannot where a requirement file names a project or packages in the source. Raises ReleaseError.
        """
        lines: list[str] = []
        try:
            for path in self.requirements:
                lines += ["", *_lines(release / path)]
        except (OSError, ValueError, RecursionError):
            # pip says what is wrong with it.
            return None
        return None if any(map(READS_PROJECT.match, lines)) else _digest([self._version(), lines])

    def install_requirements(self, target: Path, release: Path) -> None:
        """Make the environment ``target`` with what the requirement files name. Raises ReleaseError."""
        pip = ["--without-pip"] if self.uv else []
        tools.run(
            [self.python, "-m", "venv", *pip, str(target)], remedy="install the package python3-venv and run again"
        )
        # One file after the other: each is a lock of its own, and where two disagree the later one wins.
        for path in self.requirements:
            self._install(target, "-r", str(release / path))

    def install_packages(self, target: Path, release: Path) -> None:
        """Install the projects of ``release`` in the environment ``target``. Raises ReleaseError."""
        if self.packages:
            isolation = [] if self.build_isolation else ["--no-build-isolation"]
            # uv would take a project of this path from its cache, whatever stands there now.
            refresh = ["--refresh"] if self.uv else []
            self._install(target, *refresh, *isolation, *(str(release / path) for path in self.packages))

    def _install(self, target: Path, *arguments: str) -> None:
        python = str(target / "bin" / "python")
        program, command = "pip", [python, "-m", "pip", "install", "--quiet", "--no-input"]
        if self.uv:
            program, command = "uv", [*self.uv, "pip", "install", "--quiet", "--python", python]
        remedy = f"see what {program} says above; a killed or failed installation is begun anew by the next run"
        tools.run([*command, *arguments], remedy=remedy)
        # uv leaves its lock, which anybody may write to.
        (target / ".lock").unlink(missing_ok=True)

    def _version(self) -> str:
        return tools.run(
            [self.python, "-c", "import sys; print(sys.version)"], remedy="install Python 3 or name another program"
        )


def copy(source: Path, target: Path, *, without: str) -> None:
    """Copy a virtual environment to a path of the same length, all but the file ``without``.

    Files are shared by hard links: pip and uv put a new file in the place of another, and never write into one. Raises
    ReleaseError and OSError.
    """
    try:
        shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns(without), copy_function=_link)
    except shutil.Error as error:
        path, _unused, reason = error.args[0][0]
        raise ReleaseError(f"{path} cannot be copied into {target}: {reason}") from error
    # Scripts name the interpreter by its path, and activate the folder. A path of the same length keeps a first line
    # within the kernel's limit if it was within it (execve(2)).
    for path in [target / "pyvenv.cfg", *(target / "bin").iterdir()]:
        if path.is_symlink() or not path.is_file():
            continue
        content = path.read_bytes()
        moved = content.replace(os.fsencode(source), os.fsencode(target))
        if moved != content:
            mode = path.stat().st_mode
            path.unlink()
            path.write_bytes(moved)
            path.chmod(mode)


def _lines(path: Path) -> Iterator[str]:
    """The lines of a requirements file, each followed by those of the file that it names."""
    for line in path.read_text(encoding="utf-8").splitlines():
        yield line
        named = READS_FILE.match(line)
        if named:
            yield from _lines(path.parent / named[1])


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        # Not every file system has hard links.
        shutil.copy2(source, target)


def _digest(parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:DIGEST_LENGTH]
