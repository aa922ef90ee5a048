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

from ansible_collections.ecommerce.sqs.plugins.module_utils._host.module import run_module
from ansible_collections.ecommerce.sqs.plugins.module_utils._systemd.reconcile import reconcile


def main() -> None:
    run_module(
        {
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
        lambda module: reconcile(module.params, check_mode=module.check_mode),
    )


if __name__ == "__main__":
    main()
