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

from ansible_collections.ecommerce.sqs.plugins.module_utils._host.module import run_module
from ansible_collections.ecommerce.sqs.plugins.module_utils._pm2.reconcile import ARGUMENTS, reconcile

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


def main() -> None:
    run_module(
        {
            **ARGUMENTS,
            "state": {
                "type": "str",
                "choices": ["started", "restarted", "reloaded", "stopped", "absent"],
                "default": "started",
            },
            "settle": {"type": "float", "default": 1},
            "apps": {"type": "list", "elements": "dict", "required": True, "options": APP},
        },
        lambda module: reconcile(module.params, check_mode=module.check_mode),
    )


if __name__ == "__main__":
    main()
