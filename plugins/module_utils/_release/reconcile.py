# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring a host to the release asked for: one that is made of sources, or one that is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import folders
from .errors import ReleaseError
from .npm_packages import NpmPackages
from .releases import Releases
from .virtualenvs import Virtualenv

if TYPE_CHECKING:
    from collections.abc import Mapping


def reconcile(params: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """Bring the host to the release asked for and return the result of a module. Raises ReleaseError."""
    root = params["root"]
    if not root.startswith("/"):
        raise ReleaseError(f"root: {root} is not an absolute path")
    work = _choose if params["release"] else _install
    try:
        return work(Releases(root), params, check_mode=check_mode)
    except OSError as error:
        raise ReleaseError(
            f"{error.filename or root}: {error.strerror}. Check that the disk has space and that the user of this task "
            "may write there."
        ) from error


def _install(releases: Releases, params: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """Make a release of sources; without the archives it needs it only says that they are wanted."""
    environment = Virtualenv(**params["virtualenv"]) if params["virtualenv"] else None
    npm = NpmPackages(**params["npm"]) if params["npm"] else None
    plan = releases.plan(
        params["sources"], environment, params["folders"], npm=npm, activate=params["activate"], keep=params["keep"]
    )
    archives = params["archives"]
    missing = plan.new_release and not check_mode and set(archives) != set(params["sources"])
    changed = plan.is_change
    if not missing and not check_mode:
        releases.apply(plan, environment, archives)
        changed |= folders.own(params["root"], params["folders"], params["folders_owner"], params["folders_group"])
    return {
        "changed": changed,
        "archives_wanted": missing,
        "release": plan.release,
        "previous": plan.previous,
        "steps": plan.steps,
        "diff": _diff(params["root"], plan.previous, plan.release if params["activate"] else plan.previous),
    }


def _choose(releases: Releases, params: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """Make a release that is there live, unless it is only looked up."""
    before = releases.current
    chosen = releases.previous if params["release"] == "previous" else params["release"]
    if chosen is None:
        raise ReleaseError(f"{releases.root} has no release before {before}: deploy one instead")
    # In check mode it may be one that would be there by now.
    if not check_mode:
        releases.require(chosen)
    changed = params["activate"] and chosen != before
    if changed and not check_mode:
        releases.activate(chosen, forget=params["forget"])
    return {
        "changed": changed,
        "release": chosen,
        "previous": before,
        "steps": [f"make {chosen} live in place of {before or 'none'}"] if changed else [],
        "diff": _diff(params["root"], before, chosen if changed else before),
    }


def _diff(root: str, before: str | None, after: str | None) -> dict[str, str]:
    return {"before": f"{root}/current: {before}\n", "after": f"{root}/current: {after}\n"}
