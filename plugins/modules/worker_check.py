#!/usr/bin/python
# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: worker_check
short_description: Find workers on a host that have not proven yet that they work
version_added: 1.0.0
description:
  - Reads the notes that workers of this collection's runtime keep, and waits until each process has received from its
    queue and got a message through.
  - It does not fail, because what to do about a worker that proves nothing is the caller's decision.
author:
  - Contributors to the ecommerce.sqs project (@ecommerce-sqs)
options:
  workers:
    description:
      - The workers.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the worker, its C(SQS_WORKER_NAME).
        type: str
        required: true
      directory:
        description: Folder of its notes, its C(SQS_WORKER_NOTE_DIRECTORY).
        type: path
        required: true
      processes:
        description: How many processes it has to have.
        type: int
        default: 1
      canary:
        description:
          - ID of the canary messages that were sent to its queue. Each process has to have received and deleted one of
            them, or to have handled any other message since it was started.
          - Without it, each has to have received only.
        type: str
      log_files:
        description: Files whose last lines are returned when it has proven nothing.
        type: list
        elements: path
        default: []
      unit:
        description: The same for the journal of this unit of systemd; a pattern may stand for several.
        type: str
  wait:
    description:
      - Seconds to wait for the proof.
    type: float
    default: 0
extends_documentation_fragment:
  - ecommerce.sqs.attributes
  - ecommerce.sqs.attributes.info
seealso:
  - module: ecommerce.sqs.messages
"""

EXAMPLES = r"""
- name: Send a canary message
  ecommerce.sqs.messages:
    queue: ecommerce-order-queue
    body: canary
    attributes:
      ecommerce.sqs.canary: deploy-42

- name: It comes through
  ecommerce.sqs.worker_check:
    workers:
      - name: payment-queue-worker
        directory: /opt/ecommerce/payment/data/workers
        canary: deploy-42
        unit: payment-queue-worker.service
    wait: 10
  become: true
  register: payment_workers
  failed_when: payment_workers.unproven | length > 0
"""

RETURN = r"""
unproven:
  description: What workers have not shown yet, one sentence each.
  returned: success
  type: list
  elements: str
  sample: ["payment-queue-worker: 1 of 2 processes run"]
logs:
  description: The last lines of the logs of those workers, by their name.
  returned: success
  type: dict
  sample: {payment-queue-worker: "receive failed, next try in 4.0 s"}
"""

from ansible_collections.ecommerce.sqs.plugins.module_utils._deploy.worker_notes import check
from ansible_collections.ecommerce.sqs.plugins.module_utils._host.module import run_module


def main() -> None:
    run_module(
        {
            "workers": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "name": {"type": "str", "required": True},
                    "directory": {"type": "path", "required": True},
                    "processes": {"type": "int", "default": 1},
                    "canary": {"type": "str"},
                    "log_files": {"type": "list", "elements": "path", "default": []},
                    "unit": {"type": "str"},
                },
            },
            "wait": {"type": "float", "default": 0},
        },
        lambda module: check(module.params["workers"], module.params["wait"]),
    )


if __name__ == "__main__":
    main()
