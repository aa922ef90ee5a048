# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring PM2's apps to the state asked for, or tell what it runs: reads, plans once, acts and reads again."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from .api import Pm2, UnknownUserError
from .plan import (
    STARTING,
    Plan,
    Pm2Error,
    as_jlist,
    check_apps,
    is_name,
    is_resurrected,
    make_plan,
    stop_timeout,
    summary,
    to_watch,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ARGUMENTS: dict[str, Any] = {
    "home": {"type": "path", "required": True},
    "executable": {"type": "path", "default": "pm2"},
    "path": {"type": "list", "elements": "path", "default": []},
    "user": {"type": "str"},
}
"""The parameters of a module that say which PM2 is meant."""


def look(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return what PM2 runs as the result of a module, of all apps or those in ``names``. Raises Pm2Error."""
    pm2 = _connect(params)
    names = params["names"]
    return {
        "changed": False,
        "processes": [summary(found) for found in pm2.processes() if names is None or found["name"] in names],
        "daemon_up": pm2.is_up,
        "saved": [entry["name"] for entry in pm2.saved()],
    }


def reconcile(params: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """Bring the apps to the state asked for and return the result of a module. Raises Pm2Error."""
    state = params["state"]
    check_apps(params["apps"], state)
    try:
        pm2 = _connect(params)
    except UnknownUserError:
        if not check_mode:
            raise
        # Nothing can run yet for a user that an earlier task of this run would make.
        return _result(make_plan(params["apps"], [], [], state), [])
    apps = [_complete(pm2, app, params, check_mode=check_mode) for app in params["apps"]]
    names = [app["name"] for app in apps]
    saved = pm2.saved()
    resurrect = not pm2.is_up and is_resurrected(saved, names, state)
    if check_mode:
        processes = as_jlist(saved) if resurrect else pm2.processes()
    else:
        if resurrect:
            pm2.run("resurrect")
        processes = pm2.settled_processes(names)
    plan = make_plan(apps, processes, saved, state)
    plan.resurrect = resurrect
    watched: dict[str, int] = {}
    if not check_mode:
        _carry_out(pm2, plan, apps, processes)
        if state in STARTING:
            watched = to_watch(plan, apps, processes, time.time())
            pm2.settle(watched, params["settle"])
    if plan.steps or watched:
        processes = pm2.processes()
    return _result(plan, [summary(process) for process in processes if process["name"] in names])


def _connect(params: Mapping[str, Any]) -> Pm2:
    return Pm2(params["home"], params["executable"], params["path"], params["user"])


def _complete(pm2: Pm2, app: Mapping[str, Any], params: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """Return the app with the PATH it is to have and, where it is to run, the path of its program."""
    complete = dict(app)
    if params["path"]:
        # PM2 keeps the search path with which an app was first started.
        complete["environment"] = {"PATH": pm2.search_path, **app["environment"]}
    if params["state"] in STARTING and is_name(app["script"]):
        found = pm2.which(app["script"])
        # In check mode an earlier task of this run would have installed it.
        if found is None and not check_mode:
            raise Pm2Error(
                f"{app['name']}: there is no program {app['script']} in {pm2.search_path}: install it, or put its "
                "folder into path"
            )
        complete["script"] = found or app["script"]
    return complete


def _carry_out(pm2: Pm2, plan: Plan, apps: Sequence[Mapping[str, Any]], processes: Sequence[Mapping[str, Any]]) -> None:
    """Make the calls of ``plan`` on what runs, ``processes``. Raises Pm2Error when one fails."""
    by_name = {app["name"]: app for app in apps}
    for call in plan.calls:
        if call.command == "start":
            pm2.start(by_name[call.name])
        else:
            pm2.run(call.command, call.name, timeout=stop_timeout(processes, [call.name]))
    if plan.save:
        pm2.save()


def _result(plan: Plan, processes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the module's result for a plan that was, or in check mode would be, carried out."""
    return {
        "changed": bool(plan.steps),
        "steps": plan.steps,
        "processes": list(processes),
        "diff": {"before": plan.before, "after": plan.after},
    }
