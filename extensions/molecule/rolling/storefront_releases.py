# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""Releases of the storefront: copies with a version of their own, and some that are broken."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from checkout import ROOT

STOREFRONT = ROOT / "examples/storefront"
BROKEN = "broken on purpose"


def release(target: Path, version: str) -> Path:
    """Copy the storefront to a folder, as a release of its own."""
    shutil.copytree(STOREFRONT, target, ignore=shutil.ignore_patterns("__pycache__"))
    _replace(target / "src/storefront/__init__.py", '__version__ = "1.0.0"', f'__version__ = "{version}"')
    return target


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    if old not in text:
        raise ValueError(f"{path}: there is no {old!r}")
    path.write_text(text.replace(old, new))


def _append(path: Path, text: str) -> None:
    with path.open("a") as stream:
        stream.write(text)


def _service_crashes(source: Path, service: str) -> None:
    _append(source / f"src/storefront/{service}/app.py", f'\nraise RuntimeError("{BROKEN}")\n')


def _handler_crashes(source: Path, service: str) -> None:
    _append(source / f"src/storefront/{service}/worker.py", f'\nraise RuntimeError("{BROKEN}")\n')


def _health_is_gone(source: Path, _service: str) -> None:
    _replace(source / "src/storefront/web.py", '"/healthz"', '"/health"')


def _cannot_be_built(source: Path, _service: str) -> None:
    _append(source / "pyproject.toml", f"\n{BROKEN}\n")


def _setting_is_missing(source: Path, _service: str) -> None:
    _replace(
        source / "src/storefront/settings.py",
        '    log_level: LogLevel = "info"\n',
        '    log_level: LogLevel = "info"\n    broken_on_purpose: str\n',
    )


@dataclass(frozen=True)
class Failure:
    """A way in which a release is broken, and what the deploy has to say of it."""

    name: str
    breaks: Callable[[Path, str], None]
    shown: str
    before_any_change: bool = False


FAILURES = (
    Failure("the worker's handler cannot be imported", _handler_crashes, BROKEN),
    Failure("the service crashes at its start", _service_crashes, BROKEN),
    Failure("the health URL does not answer", _health_is_gone, "/healthz"),
    Failure("the virtual environment cannot be built", _cannot_be_built, "Nothing was changed", before_any_change=True),
    Failure("a setting is missing on the hosts", _setting_is_missing, "BROKEN_ON_PURPOSE is not set"),
)
