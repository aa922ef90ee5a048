# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The npm packages of a release: which folders need them, how they are installed, and who may share them."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import tools
from .errors import ReleaseError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MANIFEST = "package.json"
# npm takes the first one that is there (npm-shrinkwrap.json in npm's documentation).
LOCKS = ("npm-shrinkwrap.json", "package-lock.json")
# What npm reads in a folder before it installs.
READ_BY_NPM = (MANIFEST, *LOCKS, ".npmrc")
DIGEST_LENGTH = 12


@dataclass(frozen=True)
class NpmPackages:
    """The npm packages of a release.

    ``folders`` are paths inside the release, each with a package.json and a lock. ``scripts`` says whether the packages
    may run their install scripts, ``path`` lists the folders in which node and npm are looked for first.
    """

    folders: Sequence[str]
    scripts: bool = False
    path: Sequence[str] = ()

    def install(self, folder: Path, store: Path | None = None) -> None:
        """Install exactly what the lock of ``folder`` says, without what only developers need.

        ``store`` is an empty folder to install into, by default ``folder`` itself. Raises ReleaseError.
        """
        search_path = os.pathsep.join([*self.path, os.environ.get("PATH", os.defpath)])
        npm = shutil.which("npm", path=search_path)
        if npm is None:
            raise ReleaseError(
                f"there is no npm in {search_path}: install Node.js with npm on the host, such as the distribution's "
                "packages nodejs and npm"
            )
        scripts = [] if self.scripts else ["--ignore-scripts"]
        command = [npm, "ci", "--omit=dev", "--no-audit", "--no-fund", "--no-update-notifier", *scripts]
        if store:
            for name in READ_BY_NPM:
                if (folder / name).is_file():
                    shutil.copyfile(folder / name, store / name)
        tools.run(
            command,
            place=f"in {folder.name}, ",
            remedy="the live release was not touched",
            cwd=store or folder,
            env={**os.environ, "PATH": search_path},
        )
        # npm makes none where there is nothing to install.
        ((store or folder) / "node_modules").mkdir(exist_ok=True)

    def shared_name(self, folder: Path) -> str | None:
        """Return the name under which releases share the packages of ``folder``, None when they cannot.

        They cannot where a script of a package may look into the folder, or where a package is a folder of the source
        itself: a workspace or a ``file:`` dependency, which npm links. Raises ReleaseError.
        """
        if not (folder / MANIFEST).is_file():
            raise ReleaseError(f"{folder.name} has no {MANIFEST}: leave it out of npm's folders, or run npm init in it")
        lock = next((folder / name for name in LOCKS if (folder / name).is_file()), None)
        if lock is None:
            raise ReleaseError(
                f"{folder.name} has a {MANIFEST} but no {LOCKS[1]}, so nobody knows which versions to install: run npm "
                f"install --package-lock-only in it, and commit {LOCKS[1]}"
            )
        try:
            packages = json.loads(lock.read_text(encoding="utf-8")).get("packages", {})
        except (ValueError, AttributeError) as error:
            raise ReleaseError(
                f"{folder.name}/{lock.name} is not JSON that npm wrote ({error}): make it anew"
            ) from error
        if self.scripts or any(entry.get("link") for entry in packages.values()):
            return None
        summary = hashlib.sha256()
        for name in READ_BY_NPM:
            content = (folder / name).read_bytes() if (folder / name).is_file() else b""
            summary.update(f"{name}\0{len(content)}\0".encode() + content)
        return summary.hexdigest()[:DIGEST_LENGTH]
