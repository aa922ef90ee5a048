# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One deploy at a time on a host: a file that is there or not, and says whose deploy it is."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._host.errors import HostError
from .._host.private_file import create, replace, sweep

if TYPE_CHECKING:
    from collections.abc import Mapping

MODE = 0o644


class LockedError(HostError):
    """Another deploy holds the lock; the message says whose, since when, what for, and the way out."""


@dataclass(frozen=True)
class Holder:
    """Who holds a lock: ``deploy`` is the run's own ID, ``since`` a time in UTC."""

    deploy: str
    who: str
    what: str
    since: str


def reconcile(params: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """Take or give up the lock as the module's parameters say and return its result. Raises HostError."""
    path = params["path"]
    try:
        changed = _would_change(params) if check_mode else _change(params)
    except FileNotFoundError:
        raise HostError(f"{path}: its folder is not there. A new host is set up by playbooks/hosts.yml first") from None
    except (OSError, ValueError) as error:
        raise HostError(f"{path} cannot be used as a lock: {error}") from error
    return {"changed": changed, "path": path}


def _would_change(params: Mapping[str, Any]) -> bool:
    holder = read(params["path"])
    is_ours = holder is not None and holder.deploy == params["deploy"]
    return is_ours is (params["state"] == "free")


def _change(params: Mapping[str, Any]) -> bool:
    path, deploy = params["path"], params["deploy"]
    if params["state"] == "free":
        return release(path, deploy)
    since = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
    holder = Holder(deploy, params["who"], params["what"], since)
    return acquire(path, holder, wait=params["wait"], break_lock=params["break_lock"])


def acquire(path: str, holder: Holder, *, wait: float, break_lock: bool) -> bool:
    """Take the lock and return whether it was not ours already.

    Another's lock is waited for ``wait`` seconds and then, with ``break_lock``, taken over.
    Raises LockedError and OSError.
    """
    deadline = time.monotonic() + wait
    while True:
        found = read(path)
        if found and found.deploy == holder.deploy:
            return False
        if not found or (break_lock and time.monotonic() >= deadline):
            sweep(path)
            text = json.dumps(asdict(holder))
            if not found and not create(path, text, MODE):
                continue
            if found:
                replace(path, text, MODE)
            return True
        if time.monotonic() >= deadline:
            raise LockedError(
                f"{path}: {found.who} deploys {found.what} here since {found.since}. Wait for its end "
                "(-e deploy_lock_wait=600), or take the lock over if that deploy is dead (-e deploy_break_lock=true)."
            )
        time.sleep(min(1.0, max(0.0, deadline - time.monotonic())))


def release(path: str, deploy: str) -> bool:
    """Give the lock up if this deploy holds it, and return whether it did. Raises OSError."""
    found = read(path)
    if not found or found.deploy != deploy:
        return False
    Path(path).unlink(missing_ok=True)
    return True


def read(path: str) -> Holder | None:
    """Return who holds the lock, None when nobody does. Raises OSError."""
    try:
        text = Path(path).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None
    try:
        return Holder(**json.loads(text))
    except (TypeError, ValueError):
        # Locks are written whole, so this one was written by hand: it still locks.
        return Holder("", "somebody", "something", f"an unknown time, its text is {text[:80]!r}")
