# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare the processes PM2 runs with the wanted ones and plan what brings the first to the second. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .._host.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

# PM2 itself, the login and the shell put these into a process's environment, whoever starts it.
ENVIRONMENT_OF_PM2 = re.compile(
    r"PATH|HOME|USER|LOGNAME|SHELL|SHLVL|PWD|OLDPWD|_|LANG|LC_\w+|TERM|MAIL|TZ|PM2_\w+|NODE_APP_INSTANCE|unique_id"
    r"|SUDO_\w+|XDG_\w+|INVOCATION_ID|JOURNAL_STREAM|SYSTEMD_EXEC_PID|PIDFILE|LS_COLORS|SSH_\w+|npm_\w+"
)
SIZE = re.compile(r"(\d+)([KMG]?)B?\Z", re.IGNORECASE)
SIZE_FACTORS = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3}

# An option of an app, and where PM2 keeps it; options that were not given are not compared.
COMPARED = {
    "script": "pm_exec_path",
    "args": "args",
    "cwd": "pm_cwd",
    "interpreter": "exec_interpreter",
    "interpreter_args": "node_args",
    "exec_mode": "exec_mode",
    "kill_timeout": "kill_timeout",
    "max_memory_restart": "max_memory_restart",
    "max_restarts": "max_restarts",
    "min_uptime": "min_uptime",
    "restart_delay": "restart_delay",
    "exp_backoff_restart_delay": "exp_backoff_restart_delay",
    "out_file": "pm_out_log_path",
    "error_file": "pm_err_log_path",
    "log_date_format": "log_date_format",
    "autorestart": "autorestart",
    "merge_logs": "merge_logs",
}
# Any of these says that PM2 keeps the process up, or is about to.
UP = frozenset({"online", "launching", "waiting restart"})
# The states that can be asked for in which an app runs.
STARTING = ("started", "restarted", "reloaded")
REVISION = "PM2_APP_REVISION"
SPARE = 30  # seconds that PM2 may take besides those it gives to processes
YOUNG = 30  # seconds; the restart delays of an app that keeps ending grow to 15 s


class Pm2Error(HostError):
    """PM2 cannot be asked or does not do what it is asked; the message says what, where and the way out."""


@dataclass(frozen=True)
class Call:
    """One call of the ``pm2`` command: ``command`` on the app ``name``."""

    command: str
    name: str


@dataclass
class Plan:
    """Calls of ``pm2`` in order, whether the saved list is brought back before and the list saved after them, and what
    each app was and will be, for a diff."""

    resurrect: bool = False
    calls: list[Call] = field(default_factory=list)
    save: bool = False
    before: dict[str, dict[str, Any]] = field(default_factory=dict)
    after: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def steps(self) -> list[str]:
        """The steps in words, in their order."""
        steps = ["resurrect"] if self.resurrect else []
        steps += [f"{call.command} {call.name}" for call in self.calls]
        return steps + (["save"] if self.save else [])


def parse_list(output: str) -> list[dict[str, Any]]:
    """Return the processes in what ``pm2 jlist`` printed, passing over the banner that may stand before them.

    Raises Pm2Error when there is no list in it.
    """
    for line in reversed(output.splitlines()):
        if line.startswith("["):
            try:
                found = json.loads(line)
            except ValueError:
                continue
            if isinstance(found, list) and all(isinstance(entry, dict) for entry in found):
                return found
    raise Pm2Error(f"pm2 jlist printed no list of processes but: {output.strip()[-500:] or 'nothing'}")


def size_in_bytes(size: str) -> int:
    """Return a size as PM2 takes it (``300M``, ``1G``, ``1048576``) in bytes. Raises Pm2Error for anything else."""
    match = SIZE.match(size.strip())
    if not match:
        raise Pm2Error(f"{size!r} is not a size: give bytes, or a number with K, M or G, such as 300M")
    return int(match[1]) * SIZE_FACTORS[match[2].upper()]


def check_apps(apps: Sequence[Mapping[str, Any]], state: str) -> None:
    """Raise Pm2Error naming every app that cannot be put into ``state``, such as ``started``."""
    names = [app["name"] for app in apps]
    problems = [f"{name}: named twice" for name in sorted({name for name in names if names.count(name) > 1})]
    for app in apps:
        if state in STARTING and not app.get("script"):
            problems.append(f"{app['name']}: script is missing, and without it the app cannot be started")
        problems += [
            f"{app['name']}: {option} is {app[option]}: give an absolute path"
            for option in ("script", "cwd", "out_file", "error_file")
            if app.get(option) and not app[option].startswith("/") and not (option == "script" and is_name(app[option]))
        ]
    if problems:
        raise Pm2Error("; ".join(problems))


def is_name(script: str) -> bool:
    """Whether ``script`` is not a path but the name of a program to look for."""
    return "/" not in script


def is_resurrected(saved: Sequence[Mapping[str, Any]], names: Collection[str], state: str) -> bool:
    """Whether a daemon that is down has to bring back the ``saved`` list before the apps ``names`` get their state.

    A daemon that is started for one app would forget the others, and one that is not would leave the app in the list.
    """
    return any(state in STARTING or entry.get("name") in names for entry in saved)


def as_jlist(saved: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return what ``pm2 jlist`` would print once the entries of the dump are brought back."""
    return [{"name": entry["name"], "pm2_env": dict(entry)} for entry in saved]


def definition(app: Mapping[str, Any]) -> dict[str, Any]:
    """Return the app as an entry of a PM2 process file, without the options that were not given."""
    entry = {key: value for key, value in app.items() if value is not None and key not in ("revision", "environment")}
    if "max_memory_restart" in entry:
        entry["max_memory_restart"] = size_in_bytes(entry["max_memory_restart"])
    entry["env"] = _environment(app)
    return entry


def summary(process: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is worth telling of an entry of ``pm2 jlist``: no environment, which may hold secrets."""
    entry = process["pm2_env"]
    return {
        "name": process["name"],
        "id": process["pm_id"],
        "pid": process.get("pid") or None,
        "status": entry.get("status"),
        "restarts": entry.get("restart_time", 0),
        "unstable_restarts": entry.get("unstable_restarts", 0),
        "started_at": entry.get("pm_uptime", 0) / 1000,
        "memory": process.get("monit", {}).get("memory", 0),
        "user": entry.get("username"),
        "revision": entry.get("env", {}).get(REVISION),
        **{option: entry.get(key) for option, key in COMPARED.items()},
        "exec_mode": _exec_mode(entry.get("exec_mode")),
    }


def differences(app: Mapping[str, Any], process: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return the options in which a process, an entry of ``pm2 jlist``, is not the wanted app: option to (is, wanted).

    Values of the environment are only said to be equal or not, never shown.
    """
    entry = process["pm2_env"]
    found: dict[str, tuple[Any, Any]] = {}
    for option, key in COMPARED.items():
        if app.get(option) is None:
            continue
        actual, wanted = entry.get(key), app[option]
        if option == "exec_mode":
            actual = _exec_mode(actual)
        elif option == "max_memory_restart":
            wanted = size_in_bytes(wanted)
        elif option == "args":
            actual = actual or []
        if actual != wanted:
            found[option] = (actual, wanted)
    actual_environment, wanted_environment = entry.get("env", {}), _environment(app)
    ignored = {app["name"], *(key for key in actual_environment if ENVIRONMENT_OF_PM2.fullmatch(key))}
    for key in sorted({*actual_environment, *wanted_environment}):
        if key in wanted_environment:
            if actual_environment.get(key) != wanted_environment[key]:
                found[f"environment.{key}"] = ("not there or another value", "the value given")
        elif key not in ignored:
            found[f"environment.{key}"] = ("there", "not there")
    return found


def stop_timeout(processes: Sequence[Mapping[str, Any]], names: Collection[str]) -> float:
    """Return the seconds within which PM2 has ended the apps ``names``, when it does so one process after the other."""
    entries = [process["pm2_env"] for process in processes if process["name"] in names]
    return sum(float(entry.get("kill_timeout") or 0) for entry in entries) / 1000 + SPARE


def is_stopping(processes: Sequence[Mapping[str, Any]], names: Collection[str]) -> bool:
    """Whether PM2 is about to end one of the apps ``names``, asked to by a run that is over."""
    return any(process["name"] in names and process["pm2_env"].get("status") == "stopping" for process in processes)


def restarts_allowed(plan: Plan, processes: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Return how often each app that ``plan`` starts may have been restarted once it runs: more is a crash."""
    counted = {process["name"]: process["pm2_env"].get("restart_time", 0) for process in processes}
    return {
        call.name: 0 if call.command == "start" else counted.get(call.name, 0) + 1
        for call in plan.calls
        if call.command in ("start", "restart", "reload")
    }


def unsteady(apps: Sequence[Mapping[str, Any]], processes: Sequence[Mapping[str, Any]], now: float) -> dict[str, int]:
    """Return the wanted apps that PM2 had to restart a moment before ``now`` (seconds), with their restarts so far."""
    names = {app["name"] for app in apps}
    found = {}
    for process in processes:
        entry = process["pm2_env"]
        restarts = entry.get("restart_time", 0)
        is_young = now - entry.get("pm_uptime", 0) / 1000 < YOUNG
        if process["name"] in names and restarts and (entry.get("status") == "waiting restart" or is_young):
            found[process["name"]] = restarts
    return found


def to_watch(
    plan: Plan, apps: Sequence[Mapping[str, Any]], processes: Sequence[Mapping[str, Any]], now: float
) -> dict[str, int]:
    """Return how often each app that has to stay up may have been restarted: those that ``plan`` starts or restarts,
    and the unsteady ones of ``processes`` as they were before it.

    An app that PM2 does not start again is meant to end.
    """
    lasting = {app["name"] for app in apps if app.get("autorestart") is not False}
    restarts = {**unsteady(apps, processes, now), **restarts_allowed(plan, processes)}
    return {name: count for name, count in restarts.items() if name in lasting}


def make_plan(
    apps: Sequence[Mapping[str, Any]],
    processes: Sequence[Mapping[str, Any]],
    saved: Sequence[Mapping[str, Any]],
    state: str,
) -> Plan:
    """Plan the steps from the running ``processes`` to ``apps`` in ``state``.

    ``processes`` are entries of ``pm2 jlist``, ``saved`` those of PM2's dump, from which a reboot starts; ``state`` is
    ``started``, ``restarted``, ``reloaded``, ``stopped`` or ``absent``. A process that is not what its app wants is
    deleted and started anew, because PM2 keeps old environment through a restart.
    """
    plan = Plan()
    for app in apps:
        name = app["name"]
        running = [process for process in processes if process["name"] == name]
        _plan_app(plan, app, running, state)
        entries = [entry for entry in saved if entry.get("name") == name]
        plan.save = plan.save or not _is_saved(app, entries, state, is_listed=bool(running))
    plan.save = plan.save or bool(plan.calls)
    return plan


def _plan_app(plan: Plan, app: Mapping[str, Any], running: Sequence[Mapping[str, Any]], state: str) -> None:
    name = app["name"]
    statuses = sorted({str(process["pm2_env"].get("status")) for process in running})
    plan.before[name] = {"status": ", ".join(statuses) or "absent"}
    if state == "absent":
        plan.after[name] = {"status": "absent"}
        if running:
            plan.calls.append(Call("delete", name))
        return
    if state == "stopped":
        plan.after[name] = {"status": "stopped" if running else "absent"}
        if any(status != "stopped" for status in statuses):
            plan.calls.append(Call("stop", name))
        return
    plan.after[name] = {"status": "online"}
    differing = {option: pair for process in running for option, pair in differences(app, process).items()}
    instances = app.get("instances")
    if running and instances is not None and instances != len(running):
        differing["instances"] = (len(running), instances)
    for option, (actual, wanted) in differing.items():
        plan.before[name][option] = actual
        plan.after[name][option] = wanted
    if differing:
        plan.calls.append(Call("delete", name))
    if differing or not running:
        plan.calls.append(Call("start", name))
    elif state in ("restarted", "reloaded"):
        plan.calls.append(Call("restart" if state == "restarted" else "reload", name))
    elif not UP.issuperset(statuses):
        plan.calls.append(Call("restart", name))


def _is_saved(app: Mapping[str, Any], entries: Sequence[Mapping[str, Any]], state: str, *, is_listed: bool) -> bool:
    """Whether PM2's dump has the app in ``state``, given the ``entries`` of the app in it."""
    if state == "absent":
        return not entries
    if state == "stopped":
        return not is_listed or (bool(entries) and all(entry.get("status") == "stopped" for entry in entries))
    return bool(entries) and all(
        entry.get("status") in UP and not differences(app, {"name": app["name"], "pm2_env": entry}) for entry in entries
    )


def _environment(app: Mapping[str, Any]) -> dict[str, str]:
    environment = {key: str(value) for key, value in (app.get("environment") or {}).items()}
    if app.get("revision") is not None:
        environment[REVISION] = app["revision"]
    return environment


def _exec_mode(mode: object) -> str | None:
    return str(mode).replace("_mode", "") if mode else None
