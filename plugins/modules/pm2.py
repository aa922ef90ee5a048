#!/usr/bin/python
# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pm2
short_description: Keep processes under PM2 as they should be
version_added: 1.0.0
description:
  - Compares what PM2 really runs with the wanted apps, one or many, and starts, restarts, stops or deletes what
    differs.
  - An app whose options or environment differ is deleted and started anew, because PM2 keeps old environment through
    a restart. PM2's list is saved after every change, so that a reboot finds the same apps.
  - PM2 and its processes get a small environment of their own and nothing of the environment of this task.
author:
  - Contributors to the ecommerce.sqs project (@ecommerce-sqs)
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: [Values of the environment are told as equal or not.]
  idempotent:
    support: partial
    details: [O(state=restarted) and O(state=reloaded) act each time.]
options:
  state:
    description:
      - V(started) has the apps running as described. V(restarted) and V(reloaded) do so too, and restart or reload
        those that already were. V(stopped) leaves them in PM2's list. V(absent) takes them out of it.
    type: str
    choices: [started, restarted, reloaded, stopped, absent]
    default: started
  settle:
    description:
      - Seconds to wait after a start or restart before looking whether the app stayed up. If it did not, the task fails
        with the end of the app's error log. An app that PM2 had to restart a moment ago is watched as well.
    type: float
    default: 1
  apps:
    description:
      - The apps. Options of an app that are not given are left to PM2 and not compared.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Its name in PM2's list.
        type: str
        required: true
      script:
        description:
          - Absolute path of the program, or the name of one in O(path) or the system's folders, such as V(node). Needed
            to start an app.
        type: path
      args:
        description: Arguments, one a list element.
        type: list
        elements: str
        default: []
      cwd:
        description: Absolute path of the folder it runs in.
        type: path
      interpreter:
        description:
          - The program that runs O(apps[].script), such as V(node) or V(python3); V(none) when it runs by itself.
          - By default PM2 chooses by the ending of the name.
        type: str
      interpreter_args:
        description: Arguments for the interpreter.
        type: list
        elements: str
      environment:
        description:
          - Its environment. It stands in PM2's list and dump, so secrets belong into a C(.env) file instead.
        type: dict
        default: {}
      revision:
        description:
          - Any text that stands for what the app was started from, such as a release and the version of its C(.env).
            Another one has the app started anew. It is kept in the environment of the process, so a run that ended
            before the restart is finished by the next.
        type: str
      instances:
        description: Number of processes.
        type: int
      exec_mode:
        description: V(cluster) shares a port among instances of a Node.js app.
        type: str
        choices: [fork, cluster]
      kill_timeout:
        description:
          - Milliseconds from the signal to stop to the kill. PM2's own default of 1600 is too short for a worker, which
            needs the time of its longest job.
        type: int
      max_memory_restart:
        description: Memory above which it is restarted, such as V(300M).
        type: str
      max_restarts:
        description: Restarts in a row that came too soon, after which PM2 gives up.
        type: int
      min_uptime:
        description: Milliseconds before which a restart came too soon.
        type: int
      restart_delay:
        description: Milliseconds between an end and the next start.
        type: int
      exp_backoff_restart_delay:
        description: First such delay in milliseconds, growing with each restart.
        type: int
      autorestart:
        description: Whether PM2 starts it again when it ends.
        type: bool
      out_file:
        description: Absolute path of the log of its standard output.
        type: path
      error_file:
        description: Absolute path of the log of its standard error.
        type: path
      log_date_format:
        description: Format of the time before each line of the logs.
        type: str
      merge_logs:
        description: Whether the instances share one log.
        type: bool
extends_documentation_fragment:
  - ecommerce.sqs.attributes
  - ecommerce.sqs.pm2
seealso:
  - module: ecommerce.sqs.pm2_info
"""

EXAMPLES = r"""
- name: Run the payment service and its worker
  ecommerce.sqs.pm2:
    home: /opt/ecommerce/pm2
    executable: /opt/ecommerce/pm2/node_modules/.bin/pm2
    apps:
      - name: payment-service
        script: /opt/ecommerce/payment/app/server.js
        cwd: /opt/ecommerce/payment/app
        max_memory_restart: 300M
      - name: payment-queue-worker
        script: /opt/ecommerce/payment/venv/bin/sqs-worker
        args: [run, --env-file, .env, --env-file, payment-queue-worker.env]
        cwd: /opt/ecommerce/payment
        interpreter: none
        kill_timeout: 300000
        max_memory_restart: 300M

- name: Restart the worker
  ecommerce.sqs.pm2:
    home: /opt/ecommerce/pm2
    state: restarted
    apps:
      - name: payment-queue-worker
        script: /opt/ecommerce/payment/venv/bin/sqs-worker
"""

RETURN = r"""
steps:
  description: What was done, or would be done in check mode, in order.
  returned: success
  type: list
  elements: str
  sample: [delete payment-queue-worker, start payment-queue-worker, save]
processes:
  description: The apps as they are afterwards, in check mode as they were.
  returned: success
  type: list
  elements: dict
  sample:
    - name: payment-queue-worker
      id: 3
      pid: 4711
      status: online
      restarts: 0
"""

import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.ecommerce.sqs.plugins.module_utils._pm2.api import ARGUMENTS, Pm2, UnknownUserError
from ansible_collections.ecommerce.sqs.plugins.module_utils._pm2.plan import (
    Plan,
    Pm2Error,
    make_plan,
    restarts_allowed,
    stop_timeout,
    summary,
    unsteady,
)

STARTING = ("started", "restarted", "reloaded")
APP = {
    "name": {"type": "str", "required": True},
    "script": {"type": "path"},
    "args": {"type": "list", "elements": "str", "default": []},
    "cwd": {"type": "path"},
    "interpreter": {"type": "str"},
    "interpreter_args": {"type": "list", "elements": "str"},
    "environment": {"type": "dict", "default": {}},
    "revision": {"type": "str"},
    "instances": {"type": "int"},
    "exec_mode": {"type": "str", "choices": ["fork", "cluster"]},
    "kill_timeout": {"type": "int"},
    "max_memory_restart": {"type": "str"},
    "max_restarts": {"type": "int"},
    "min_uptime": {"type": "int"},
    "restart_delay": {"type": "int"},
    "exp_backoff_restart_delay": {"type": "int"},
    "autorestart": {"type": "bool"},
    "out_file": {"type": "path"},
    "error_file": {"type": "path"},
    "log_date_format": {"type": "str"},
    "merge_logs": {"type": "bool"},
}


def apply(module: AnsibleModule) -> dict[str, Any]:
    """Bring the apps to the state asked for and return the module's result."""
    params = module.params
    apps, state = params["apps"], params["state"]
    check_apps(apps, state)
    try:
        pm2 = Pm2(params["home"], params["executable"], params["path"], params["user"])
    except UnknownUserError:
        if not module.check_mode:
            raise
        # Nothing can run yet for a user that an earlier task of this run would make.
        return describe(make_plan(apps, [], [], state), [], resurrect=False)
    if params["path"]:
        # PM2 keeps the search path with which an app was first started.
        apps = [{**app, "environment": {"PATH": pm2.search_path, **app["environment"]}} for app in apps]
    if state in STARTING:
        apps = [{**app, "script": locate(pm2, app, check_mode=module.check_mode)} for app in apps]
    names = [app["name"] for app in apps]
    saved = pm2.saved()
    resurrect = not pm2.is_up and any(state in STARTING or entry.get("name") in names for entry in saved)
    if resurrect and not module.check_mode:
        pm2.run("resurrect")
    if resurrect and module.check_mode:
        processes = [{"name": entry["name"], "pm2_env": entry} for entry in saved]
    else:
        processes = pm2.processes() if module.check_mode else pm2.settled_processes(names)
    plan = make_plan(apps, processes, saved, state)
    if plan.is_change and not module.check_mode:
        carry_out(pm2, plan, apps, processes)
    watched = {}
    if state in STARTING and not module.check_mode:
        lasting = {app["name"] for app in apps if app["autorestart"] is not False}
        restarts = {**unsteady(apps, processes, time.time()), **restarts_allowed(plan, processes)}
        watched = {name: count for name, count in restarts.items() if name in lasting}
        pm2.settle(watched, params["settle"])
    if plan.is_change or resurrect or watched:
        processes = pm2.processes()
    now = [summary(process) for process in processes if process["name"] in names]
    return describe(plan, now, resurrect=resurrect)


def describe(plan: Plan, processes: list[dict[str, Any]], *, resurrect: bool) -> dict[str, Any]:
    """Return the module's result for a plan that was, or in check mode would be, carried out."""
    steps = ["resurrect"] if resurrect else []
    steps += [f"{step.command} {step.name}" for step in plan.steps] + (["save"] if plan.save else [])
    return {
        "changed": bool(steps),
        "steps": steps,
        "processes": processes,
        "diff": {"before": plan.before, "after": plan.after},
    }


def check_apps(apps: list[dict[str, Any]], state: str) -> None:
    """Raise Pm2Error naming every app that cannot be put into ``state``."""
    names = [app["name"] for app in apps]
    problems = [f"{name}: named twice" for name in sorted({name for name in names if names.count(name) > 1})]
    for app in apps:
        if state in STARTING and not app["script"]:
            problems.append(f"{app['name']}: script is missing, and without it the app cannot be started")
        problems += [
            f"{app['name']}: {option} is {app[option]}: give an absolute path"
            for option in ("script", "cwd", "out_file", "error_file")
            if app[option] and not app[option].startswith("/") and not is_name(option, app[option])
        ]
    if problems:
        raise Pm2Error("; ".join(problems))


def is_name(option: str, value: str) -> bool:
    """Whether the value is not a path but the name of a program to look for."""
    return option == "script" and "/" not in value


def locate(pm2: Pm2, app: dict[str, Any], *, check_mode: bool) -> str:
    """Return the path of the app's program; in check mode its name, where an earlier task would install it."""
    script: str = app["script"]
    if not is_name("script", script):
        return script
    found = pm2.which(script)
    if found is None and not check_mode:
        raise Pm2Error(
            f"{app['name']}: there is no program {script} in {pm2.search_path}: install it, or put its folder into path"
        )
    return found or script


def carry_out(pm2: Pm2, plan: Plan, apps: list[dict[str, Any]], processes: list[dict[str, Any]]) -> None:
    """Take the steps of ``plan`` on what runs, ``processes``; raise Pm2Error when one fails."""
    by_name = {app["name"]: app for app in apps}
    for step in plan.steps:
        if step.command == "start":
            pm2.start(by_name[step.name])
        else:
            pm2.run(step.command, step.name, timeout=stop_timeout(processes, [step.name]))
    pm2.save()


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **ARGUMENTS,
            "state": {"type": "str", "choices": [*STARTING, "stopped", "absent"], "default": "started"},
            "settle": {"type": "float", "default": 1},
            "apps": {"type": "list", "elements": "dict", "required": True, "options": APP},
        },
        supports_check_mode=True,
    )
    try:
        module.exit_json(**apply(module))
    except Pm2Error as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
