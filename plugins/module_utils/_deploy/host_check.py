# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What would keep a service from being deployed on this host, found without leaving a trace."""

from __future__ import annotations

import getpass
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._dotenv import file as dotenv_file
from .._host import programs
from .._host.errors import HostError
from .._pm2 import api as pm2_api
from .._problems import show

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MINIMUM_PYTHON = (3, 11)
"""What the worker runtime needs."""


def check(directory: str, **options: Any) -> dict[str, Any]:
    """Return the result of a module on a host without a problem; the options are those of :func:`problems`.

    Raises HostError with every problem, one a line and as ``problems`` in its result.
    """
    found = problems(Path(directory), **options)
    if found:
        raise HostError("\n".join(found), problems=found)
    return {"changed": False, "problems": []}


def problems(
    directory: Path,
    *,
    python: str,
    free_megabytes: int,
    env_files: Iterable[Mapping[str, Any]] = (),
    pm2_executable: str | None = None,
    pm2_path: Sequence[str] = (),
) -> list[str]:
    """Return every problem of this host as a sentence with its way out.

    ``directory`` is where services will be, made or not; ``python`` the interpreter that makes their virtual
    environments; ``free_megabytes`` what must be free on the file system of ``directory``. ``env_files`` are the
    arguments of :func:`dotenv_file.problem`. ``pm2_executable`` may not be there yet; ``pm2_path`` are the folders in
    which it looks for Node.js before the system's.
    """
    return [
        *_directory_problems(directory, free_megabytes),
        *_python_problems(python),
        *filter(None, (dotenv_file.problem(**env_file) for env_file in env_files)),
        *_pm2_problems(pm2_executable, pm2_path),
    ]


def _directory_problems(directory: Path, free_megabytes: int) -> list[str]:
    if not directory.is_absolute():
        return [f"{directory} is not an absolute path: set deploy_root to one"]
    existing = next(path for path in (directory, *directory.parents) if path.exists())
    try:
        # Only an attempt tells: access rights say nothing of read-only and virtual file systems.
        Path(tempfile.mkdtemp(dir=existing, prefix=".ecommerce-sqs-")).rmdir()
    except OSError as error:
        return [
            f"{directory} cannot be written: {existing} refuses the user {getpass.getuser()} ({error.strerror}); "
            "give that user the right or set deploy_root to another directory"
        ]
    free = shutil.disk_usage(existing).free // 1_000_000
    if free < free_megabytes:
        return [
            f"{existing} has {free} MB free, and {free_megabytes} MB are needed: make room or set another deploy_root"
        ]
    return []


def _python_problems(python: str) -> list[str]:
    wanted = ".".join(map(str, MINIMUM_PYTHON))
    try:
        found = programs.run([python, "-c", "import sys; print(*sys.version_info[:2])"], timeout=30)
    except programs.NoProgramError:
        return [f"{python} is not there: install Python {wanted} or newer, or set service_python to where it is"]
    except programs.ProgramError as error:
        return [f"{python} does not run ({error}): set service_python to a Python {wanted} or newer"]
    try:
        major, minor = map(int, found.split())
    except ValueError:
        return [
            f"{python} says {show(found)} when asked for its version: set service_python to a Python {wanted} or newer"
        ]
    if (major, minor) < MINIMUM_PYTHON:
        return [
            f"{python} is Python {major}.{minor}, and the worker runtime needs {wanted} or newer: "
            "set service_python to one"
        ]
    return []


def _pm2_problems(executable: str | None, path: Sequence[str]) -> list[str]:
    if executable is None or not Path(executable).exists():
        return []
    search_path = pm2_api.search_path(path)
    if shutil.which("node", path=search_path):
        return []
    return [f"{executable} finds no node: {pm2_api.no_node_remedy(search_path)}"]
