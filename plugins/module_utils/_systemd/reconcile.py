# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring systemd's units to what was asked for: reads, plans once, acts and looks whether they stay up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._host.errors import HostError
from . import api
from .plan import Wanted, check_names, make_plan

if TYPE_CHECKING:
    from collections.abc import Mapping


def reconcile(params: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """Bring the units to what the parameters ask for and return the result of a module. Raises HostError."""
    try:
        return _reconcile(params, check_mode=check_mode)
    except OSError as error:
        raise HostError(f"{error.filename}: {error.strerror}. Writing units needs root (become).") from error


def _reconcile(params: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    wanted = [Wanted(**unit) for unit in params["units"]]
    check_names([*(unit.name for unit in wanted), *params["absent"]])
    files, actual = api.look(wanted)
    plan = make_plan(wanted, files, actual, api.look_for(params["absent"]))
    if not check_mode:
        api.carry_out(plan, params["stop_timeout"])
        api.settle([*plan.start, *plan.restart], params["settle"])
    return {
        "changed": bool(plan.steps),
        "steps": plan.steps,
        "diff": [
            {"before": files[name] or "", "after": text, "before_header": name, "after_header": name}
            for name, text in plan.write.items()
        ],
    }
