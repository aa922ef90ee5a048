#!/usr/bin/python
# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: systemd_units
short_description: Keep processes under systemd as they should be
version_added: 1.0.0
description:
  - Writes unit files, enables and starts their units, and restarts those whose process runs from another file or
    another O(units[].revision), all in one task.
  - What a process was started from is kept in its environment, so a run that ended before the restart is finished by
    the next.
author:
  - Contributors to the ecommerce.sqs project (@ecommerce-sqs)
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  units:
    description:
      - The units, each with its own file in C(/etc/systemd/system).
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description:
          - Name of the file, such as V(payment-service.service), or V(payment-queue-worker@.service) for several
            processes.
        type: str
        required: true
      content:
        description: Text of the file.
        type: str
        required: true
      revision:
        description:
          - Any text that stands for what the process is started from beside the file, such as a release and the version
            of its C(.env). Another one has it restarted.
        type: str
        default: ""
      instances:
        description: Number of instances of a template unit, numbered from 1. Others are stopped and disabled.
        type: int
        default: 1
      restart:
        description:
          - Whether a running unit is restarted when its file or revision changes. Without, it takes the change at
            its next start.
        type: bool
        default: true
  absent:
    description:
      - Unit files that should not be there, such as those of what kept the processes before. Their units are stopped
        and disabled, and the files erased, before any unit of O(units) is started.
    type: list
    elements: str
    default: []
  settle:
    description:
      - Seconds to wait after a start or restart before looking whether the unit stayed up. If it did not, the task
        fails with the end of its journal.
    type: float
    default: 1
  stop_timeout:
    description:
      - Seconds to wait for C(systemctl), which waits for the longest job of a worker that is restarted.
    type: int
    default: 600
extends_documentation_fragment:
  - ecommerce.sqs.attributes
seealso:
  - module: ecommerce.sqs.pm2
"""

EXAMPLES = r"""
- name: Run two processes of the payment worker
  ecommerce.sqs.systemd_units:
    units:
      - name: payment-queue-worker@.service
        content: "{{ lookup('ansible.builtin.template', 'worker.service.j2') }}"
        revision: "{{ payment_release.release }}"
        instances: 2
"""

RETURN = r"""
steps:
  description: What was done, or would be done in check mode, in order.
  returned: success
  type: list
  elements: str
  sample: [write payment-service.service, reload, restart payment-service.service]
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.ecommerce.sqs.plugins.module_utils._systemd.api import (
    SystemdError,
    carry_out,
    look,
    look_for,
    settle,
)
from ansible_collections.ecommerce.sqs.plugins.module_utils._systemd.plan import Wanted, make_plan


def apply(module: AnsibleModule) -> dict[str, Any]:
    """Bring the units to what the parameters ask for and return the module's result."""
    wanted = [Wanted(**unit) for unit in module.params["units"]]
    absent = module.params["absent"]
    names = [*(unit.name for unit in wanted), *absent]
    wrong = [name for name in names if not name.endswith(".service") or "/" in name]
    if wrong:
        raise SystemdError(f"units: {', '.join(wrong)}: a name ends in .service and has no folder in it")
    files, actual = look(wanted)
    plan = make_plan(wanted, files, actual, look_for(absent))
    if plan.steps and not module.check_mode:
        carry_out(plan, module.params["stop_timeout"])
    if not module.check_mode:
        settle([*plan.start, *plan.restart], module.params["settle"])
    return {
        "changed": bool(plan.steps),
        "steps": plan.steps,
        "diff": [
            {"before": files[name] or "", "after": text, "before_header": name, "after_header": name}
            for name, text in plan.write.items()
        ],
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "units": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "name": {"type": "str", "required": True},
                    "content": {"type": "str", "required": True},
                    "revision": {"type": "str", "default": ""},
                    "instances": {"type": "int", "default": 1},
                    "restart": {"type": "bool", "default": True},
                },
            },
            "absent": {"type": "list", "elements": "str", "default": []},
            "settle": {"type": "float", "default": 1},
            "stop_timeout": {"type": "int", "default": 600},
        },
        supports_check_mode=True,
    )
    try:
        module.exit_json(**apply(module))
    except SystemdError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"{error.filename}: {error.strerror}. Writing units needs root (become).")


if __name__ == "__main__":
    main()
