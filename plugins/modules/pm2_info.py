#!/usr/bin/python
# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pm2_info
short_description: Look at the processes under PM2
version_added: 1.0.0
description:
  - Lists the processes of one PM2 home and those that a reboot would start again.
  - Does not start PM2's daemon when it is down. Tells nothing of the environment of the processes.
author:
  - Contributors to the ecommerce.sqs project (@ecommerce-sqs)
options:
  names:
    description:
      - Only the apps of these names. By default all.
    type: list
    elements: str
extends_documentation_fragment:
  - ecommerce.sqs.attributes
  - ecommerce.sqs.attributes.info
  - ecommerce.sqs.pm2
seealso:
  - module: ecommerce.sqs.pm2
"""

EXAMPLES = r"""
- name: See what runs
  ecommerce.sqs.pm2_info:
    home: /opt/ecommerce/pm2
    executable: /opt/ecommerce/pm2/node_modules/.bin/pm2
  register: payment_pm2
"""

RETURN = r"""
daemon_up:
  description: Whether PM2's daemon answers.
  returned: success
  type: bool
  sample: true
processes:
  description: The processes, none when the daemon is down.
  returned: success
  type: list
  elements: dict
  sample:
    - name: payment-queue-worker
      id: 3
      pid: 4711
      status: online
      restarts: 0
      unstable_restarts: 0
      started_at: 1795573356.467
      memory: 53477376
      user: ecommerce
      script: /opt/ecommerce/payment/venv/bin/sqs-worker
      cwd: /opt/ecommerce/payment
      kill_timeout: 300000
saved:
  description: Names of the apps that are started again when PM2 starts.
  returned: success
  type: list
  elements: str
  sample: [payment-service, payment-queue-worker]
"""

from ansible_collections.ecommerce.sqs.plugins.module_utils._host.module import run_module
from ansible_collections.ecommerce.sqs.plugins.module_utils._pm2.reconcile import ARGUMENTS, look


def main() -> None:
    run_module(
        {**ARGUMENTS, "names": {"type": "list", "elements": "str"}},
        lambda module: look(module.params),
    )


if __name__ == "__main__":
    main()
