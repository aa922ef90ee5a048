# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Releases of a service on a host: folders that are complete or not there, and a link that says which one is live.

::

    ROOT/releases/ID/NAME/...      the sources, one folder a name
    ROOT/releases/ID/venv          -> ../../venvs/DIGEST, when a virtual environment was asked for
    ROOT/releases/ID/NAME/node_modules -> ../../../npm/DIGEST/node_modules, when npm packages were asked for
    ROOT/venvs/DIGEST/...          complete once it holds .complete; begun from one with the requirements alone, which
                                   releases with the same ones share, and whose name is in .requirements
    ROOT/npm/DIGEST/...            the same for npm packages, shared by releases with the same lock
    ROOT/current                   -> releases/ID, swapped in one step
    ROOT/previous                  -> the release that was live before
    ROOT/older                     -> the one before that, for when the live one turns out to be no good
    ROOT/NAME, ROOT/venv           -> current/NAME, current/venv

A run that is killed leaves at most a folder without its last mark, which the next run makes anew.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import tarfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING

from . import virtualenvs
from .errors import ReleaseError
from .npm_packages import NpmPackages
from .virtualenvs import Virtualenv

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

COMPLETE = ".complete"
STAGING = ".staging"
# In a release, the names of the folders under npm that it shares, one a line.
NPM_SHARED = ".npm"
# In a virtual environment, the name of the one it was begun from.
REQUIREMENTS_SHARED = ".requirements"
ID_LENGTH = 12
# A run that was killed may have left an installation at work, which ends by itself.
LOCK_WAIT = 300  # seconds
# With less than this, a full disk is why a program failed, whatever it said.
FULL = 20_000_000  # bytes


@dataclass
class Plan:
    """What is missing on the host."""

    release: str
    previous: str | None
    environment: str | None = None
    npm: NpmPackages | None = None
    new_release: bool = False
    new_environment: bool = False
    activate: bool = False
    links: dict[str, str] = field(default_factory=dict)
    folders: list[str] = field(default_factory=list)
    obsolete: list[str] = field(default_factory=list)

    @property
    def is_change(self) -> bool:
        return bool(
            self.new_release or self.new_environment or self.activate or self.links or self.folders or self.obsolete
        )

    @property
    def steps(self) -> list[str]:
        """The steps in words, in their order."""
        steps = [f"make {folder}" for folder in self.folders]
        steps += [f"unpack release {self.release}"] if self.new_release else []
        if self.new_release and self.npm:
            steps += [f"install the npm packages of {folder}" for folder in self.npm.folders]
        steps += [f"build virtual environment {self.environment}"] if self.new_environment else []
        steps += [f"link {name} to {target}" for name, target in self.links.items()]
        steps += [f"make {self.release} live in place of {self.previous or 'none'}"] if self.activate else []
        return steps + [f"remove {path}" for path in self.obsolete]


class Releases:
    """The releases under one root."""

    def __init__(self, root: str) -> None:
        self.root = Path(root)

    @property
    def current(self) -> str | None:
        """ID of the live release, None when there is none."""
        return self._linked("current")

    @property
    def previous(self) -> str | None:
        """ID of the release that was live before, None when there was none or it is gone."""
        return self._linked("previous")

    @property
    def older(self) -> str | None:
        """ID of the release that was live before the previous one, None when there was none or it is gone."""
        return self._linked("older")

    def plan(
        self,
        digests: Mapping[str, str],
        environment: Virtualenv | None,
        folders: Sequence[str] = (),
        *,
        npm: NpmPackages | None = None,
        activate: bool = True,
        keep: int = 5,
    ) -> Plan:
        """Compare the host with a release of sources that have these ``digests``. Raises ReleaseError."""
        venv = environment.digest(digests) if environment else None
        release = _digest([sorted(digests.items()), venv, *([list(npm.folders), npm.scripts] if npm else [])])
        current = self.current
        plan = Plan(release=release, previous=current, environment=venv, npm=npm)
        plan.folders = [folder for folder in folders if not (self.root / folder).is_dir()]
        plan.new_release = not (self.root / "releases" / release).is_dir()
        plan.new_environment = bool(venv) and not (self.root / "venvs" / str(venv) / COMPLETE).exists()
        plan.activate = activate and current != release
        names = [*digests, *(["venv"] if venv else [])]
        plan.links = {name: f"current/{name}" for name in names if _link_target(self.root / name) != f"current/{name}"}
        plan.obsolete = self._obsolete(release if activate else current, current, release, keep)
        return plan

    def apply(self, plan: Plan, environment: Virtualenv | None, archives: Mapping[str, str]) -> None:
        """Carry out ``plan``; ``archives`` holds each source's tar file. Raises ReleaseError and OSError."""
        with self._lock():
            self._sweep()
            for folder in plan.folders:
                (self.root / folder).mkdir(parents=True, exist_ok=True)
            release, venv = self.root / "releases" / plan.release, self.root / "venvs" / str(plan.environment)
            # Another run may have done a part of it meanwhile.
            if plan.new_release and not release.is_dir():
                with _removed_on_failure(release.with_name(f"{STAGING}-{plan.release}")):
                    self._unpack(plan, archives)
            if plan.new_environment and environment and not (venv / COMPLETE).exists():
                with _removed_on_failure(venv):
                    self._build(venv, release, environment)
            for name, target in plan.links.items():
                self._link(name, target)
            if plan.activate:
                self.activate(plan.release)
            for path in plan.obsolete:
                if (self.root / path).exists():
                    shutil.rmtree(self.root / path)

    def require(self, release: str) -> None:
        """Raise ReleaseError when there is no such release."""
        if not (self.root / "releases" / release).is_dir():
            found = sorted(path.name for path in self.root.glob("releases/[!.]*"))
            raise ReleaseError(
                f"there is no release {release} in {self.root / 'releases'}: it has {', '.join(found) or 'none'}"
            )

    def activate(self, release: str, *, forget: bool = False) -> None:
        """Make a release live and remember the one before, or ``forget`` it because nobody should go back to it.

        What was forgotten gives its place back to the release before it. Raises ReleaseError when there is no such
        release.
        """
        self.require(release)
        if not forget:
            self._remember(self.current, release)
        self._link("current", f"releases/{release}")
        if forget:
            self._forget(release)

    def _remember(self, live: str | None, release: str) -> None:
        if live is None or live == release:
            return
        # They are the same after a run that was killed between its two links.
        if self.previous not in (None, live):
            self._link("older", f"releases/{self.previous}")
        self._link("previous", f"releases/{live}")

    def _forget(self, release: str) -> None:
        if self.older in (None, release):
            (self.root / "previous").unlink(missing_ok=True)
        else:
            self._link("previous", f"releases/{self.older}")
        (self.root / "older").unlink(missing_ok=True)

    def _linked(self, name: str) -> str | None:
        target = _link_target(self.root / name)
        return Path(target).name if target and (self.root / name).is_dir() else None

    def _link(self, name: str, target: str) -> None:
        path = self.root / name
        if path.is_dir() and not path.is_symlink():
            raise ReleaseError(f"{path} is a folder, and a link of that name is needed: move it away and run again")
        new = self.root / f"{STAGING}-{name}"
        new.unlink(missing_ok=True)
        new.symlink_to(target)
        new.replace(path)

    def _sweep(self) -> None:
        """Remove what killed runs left half made; whoever holds the lock is alone."""
        for path in [*self.root.glob(f"{STAGING}-*"), *(self.root / "releases").glob(f"{STAGING}-*")]:
            path.unlink() if path.is_symlink() else shutil.rmtree(path)

    def _unpack(self, plan: Plan, archives: Mapping[str, str]) -> None:
        """Make the folder of a release. Raises ReleaseError."""
        releases = self.root / "releases"
        staging = releases / f"{STAGING}-{plan.release}"
        for name, path in archives.items():
            folder = staging / name
            folder.mkdir(parents=True)
            try:
                with tarfile.open(path) as tar:
                    if hasattr(tarfile, "data_filter"):
                        tar.extractall(folder, filter="data")
                    else:
                        tar.extractall(folder)  # noqa: S202 - the archive is our own, packed a moment ago
            except (EOFError, tarfile.TarError) as error:
                raise ReleaseError(
                    f"source {name} cannot be unpacked on the host: {error}: leave out of the source what is named, or "
                    "run again when it was cut off"
                ) from error
        if plan.environment:
            (staging / "venv").symlink_to(f"../../venvs/{plan.environment}")
        if plan.npm:
            self._install_npm(staging, plan.npm)
        staging.rename(releases / plan.release)

    def _install_npm(self, release: Path, npm: NpmPackages) -> None:
        """Give each of the folders its node_modules. Raises ReleaseError."""
        shared = []
        for name in npm.folders:
            folder = release / name
            digest = npm.shared_name(folder)
            if digest is None:
                npm.install(folder)
                continue
            store = self.root / "npm" / digest
            if not (store / COMPLETE).exists():
                shutil.rmtree(store, ignore_errors=True)
                store.mkdir(parents=True)
                with _removed_on_failure(store):
                    npm.install(folder, store)
                (store / COMPLETE).touch()
            shutil.rmtree(folder / "node_modules", ignore_errors=True)
            (folder / "node_modules").symlink_to(os.path.relpath(store / "node_modules", folder))
            shared.append(digest)
        (release / NPM_SHARED).write_text("\n".join(shared), encoding="utf-8")

    def _build(self, target: Path, release: Path, environment: Virtualenv) -> None:
        """Make a virtual environment. Raises ReleaseError."""
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(target, ignore_errors=True)
        shared = environment.shared_name(release)
        if shared:
            store = target.with_name(shared)
            if not (store / COMPLETE).exists():
                shutil.rmtree(store, ignore_errors=True)
                with _removed_on_failure(store):
                    environment.install_requirements(store, release)
                (store / COMPLETE).touch()
            virtualenvs.copy(store, target, without=COMPLETE)
            (target / REQUIREMENTS_SHARED).write_text(shared, encoding="utf-8")
        else:
            environment.install_requirements(target, release)
        environment.install_packages(target, release)
        (target / COMPLETE).touch()

    def _obsolete(self, live: str | None, current: str | None, release: str, keep: int) -> list[str]:
        """Releases beyond the ``keep`` newest and environments that no kept release needs; never live or previous."""
        releases = self.root / "releases"
        if not releases.is_dir():
            return []
        found = sorted(
            (path for path in releases.iterdir() if not path.name.startswith(STAGING)),
            key=lambda path: path.stat().st_mtime,
            reverse=True,
        )
        safe = {live, current, release, self.previous}
        others = [path for path in found if path.name not in safe]
        dropped = others[max(0, keep - len(safe - {None})) :]
        needed = {_link_target(path / "venv") for path in found if path not in dropped}
        needed |= {f"../../npm/{name}" for path in found if path not in dropped for name in _names(path / NPM_SHARED)}
        needed |= {
            f"../../venvs/{name}"
            for path in found
            if path not in dropped
            for name in _names(path / "venv" / REQUIREMENTS_SHARED)
        }
        unneeded = [
            path
            for kind in ("venvs", "npm")
            for path in ((self.root / kind).iterdir() if (self.root / kind).is_dir() else [])
            if f"../../{kind}/{path.name}" not in needed
        ]
        return sorted(str(path.relative_to(self.root)) for path in [*dropped, *(unneeded if dropped else [])])

    @contextmanager
    def _lock(self) -> Iterator[None]:
        (self.root / "releases").mkdir(parents=True, exist_ok=True)
        with (self.root / ".lock").open("a", encoding="utf-8") as lock:
            deadline = time.monotonic() + LOCK_WAIT
            while not _locked(lock):
                if time.monotonic() >= deadline:
                    raise ReleaseError(
                        f"another run is working in {self.root}, for {LOCK_WAIT} s at least: wait for its end and run "
                        "again"
                    )
                time.sleep(0.5)
            yield


@contextmanager
def _removed_on_failure(folder: Path) -> Iterator[None]:
    """Half of it would only take up the room whose lack may have been the failure, which is then told as it is."""
    try:
        yield
    except (OSError, ReleaseError) as error:
        free = shutil.disk_usage(folder.parent).free
        shutil.rmtree(folder, ignore_errors=True)
        if free < FULL:
            raise ReleaseError(
                f"the disk is full: {folder.parent} had {free // 1_000_000} MB free, and {folder.name} needs more: "
                "make room and run again"
            ) from error
        raise


def _locked(stream: IO[str]) -> bool:
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _link_target(path: Path) -> str | None:
    return str(os.readlink(path)) if path.is_symlink() else None  # noqa: PTH115 - Path.readlink needs Python 3.9.1


def _names(noted: Path) -> list[str]:
    return noted.read_text(encoding="utf-8").split() if noted.exists() else []


def _digest(parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:ID_LENGTH]
