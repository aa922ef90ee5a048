# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""Apps, and what PM2 tells of them."""

from __future__ import annotations

from typing import Any

from ansible_collections.ecommerce.sqs.plugins.module_utils._pm2.plan import (
    definition,
)

APP: dict[str, Any] = {
    "name": "payment-queue-worker",
    "script": "/opt/payment/venv/bin/sqs-worker",
    "args": ["run"],
    "cwd": "/opt/payment",
    "interpreter": "none",
    "environment": {"LEVEL": "info"},
    "revision": "r1",
    "kill_timeout": 300000,
    "max_memory_restart": "300M",
}


OTHER = {**APP, "name": "order-queue-worker"}


NAME: str = APP["name"]


def process(app: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """What `pm2 jlist` tells of an app that runs as wanted, with changes to its pm2_env."""
    wanted = definition(app or APP)
    entry = {
        "status": "online",
        "restart_time": 0,
        "pm_uptime": 1_000_000,
        "pm_exec_path": wanted["script"],
        "args": wanted["args"],
        "pm_cwd": wanted["cwd"],
        "exec_interpreter": wanted["interpreter"],
        "kill_timeout": wanted["kill_timeout"],
        "max_memory_restart": wanted["max_memory_restart"],
        "exec_mode": "fork_mode",
        "env": {
            "PATH": "/usr/bin",
            "PM2_HOME": "/opt/pm2",
            "HOME": "/root",
            "unique_id": "1",
            wanted["name"]: "{}",
            **wanted["env"],
        },
        **changes,
    }
    return {"name": wanted["name"], "pm_id": 0, "pid": 4711, "pm2_env": entry, "monit": {"memory": 1}}


def saved(entry: dict[str, Any]) -> dict[str, Any]:
    """The entry of PM2's dump for a process."""
    return {"name": entry["name"], **entry["pm2_env"]}
