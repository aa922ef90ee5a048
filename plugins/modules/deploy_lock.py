#!/usr/bin/python
# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: deploy_lock
short_description: Let one deploy at a time work on a host
version_added: 1.0.0
description:
  - Takes or gives up a lock file that says who deploys what since when.
author:
  - Contributors to the ecommerce.sqs project (@ecommerce-sqs)
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  path:
    description:
      - The lock file. Its folder has to be there.
    type: path
    required: true
  state:
    description:
      - Whether this deploy holds the lock. V(free) leaves a lock of another deploy alone.
    type: str
    choices: [held, free]
    default: held
  deploy:
    description:
      - ID of this deploy, the same in all its tasks.
    type: str
    required: true
  who:
    description:
      - Who deploys. Needed with O(state=held).
    type: str
  what:
    description:
      - What is deployed. Needed with O(state=held).
    type: str
  wait:
    description:
      - Seconds to wait for another's lock.
    type: float
    default: 0
  break_lock:
    description:
      - Whether to take over a lock that was not given up by then.
    type: bool
    default: false
extends_documentation_fragment:
  - ecommerce.sqs.attributes
"""

EXAMPLES = r"""
- name: Begin the deploy
  ecommerce.sqs.deploy_lock:
    path: /opt/ecommerce/.deploy-lock
    deploy: 2026-11-25T10:02:07Z-4711
    who: ada@build-1
    what: payment

- name: End the deploy
  ecommerce.sqs.deploy_lock:
    path: /opt/ecommerce/.deploy-lock
    deploy: 2026-11-25T10:02:07Z-4711
    state: free
"""

RETURN = r"""
path:
  description: The lock, so that whoever ends the deploy need not derive it again.
  returned: success
  type: str
  sample: /opt/ecommerce/.deploy-lock
"""

from ansible_collections.ecommerce.sqs.plugins.module_utils._deploy.lock import reconcile
from ansible_collections.ecommerce.sqs.plugins.module_utils._host.module import run_module


def main() -> None:
    run_module(
        {
            "path": {"type": "path", "required": True},
            "state": {"type": "str", "choices": ["held", "free"], "default": "held"},
            "deploy": {"type": "str", "required": True},
            "who": {"type": "str"},
            "what": {"type": "str"},
            "wait": {"type": "float", "default": 0},
            "break_lock": {"type": "bool", "default": False},
        },
        lambda module: reconcile(module.params, check_mode=module.check_mode),
        required_if=[("state", "held", ("who", "what"))],
    )


if __name__ == "__main__":
    main()
