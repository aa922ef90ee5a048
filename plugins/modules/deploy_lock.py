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
"""

import time

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.ecommerce.sqs.plugins.module_utils._deploy.lock import (
    Holder,
    LockedError,
    acquire,
    read,
    release,
)


def apply(module: AnsibleModule) -> bool:
    """Take or give up the lock; return whether that changed something."""
    params = module.params
    path, deploy = params["path"], params["deploy"]
    if module.check_mode:
        found = read(path)
        ours = found is not None and found.deploy == deploy
        return ours is (params["state"] == "free")
    if params["state"] == "free":
        return release(path, deploy)
    since = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
    holder = Holder(deploy, params["who"], params["what"], since)
    return acquire(path, holder, wait=params["wait"], break_lock=params["break_lock"])


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "state": {"type": "str", "choices": ["held", "free"], "default": "held"},
            "deploy": {"type": "str", "required": True},
            "who": {"type": "str"},
            "what": {"type": "str"},
            "wait": {"type": "float", "default": 0},
            "break_lock": {"type": "bool", "default": False},
        },
        required_if=[("state", "held", ("who", "what"))],
        supports_check_mode=True,
    )
    try:
        module.exit_json(changed=apply(module))
    except LockedError as error:
        module.fail_json(msg=str(error))
    except FileNotFoundError:
        module.fail_json(
            msg=f"{module.params['path']}: its folder is not there. A new host is set up by playbooks/hosts.yml first"
        )
    except (OSError, ValueError, TypeError) as error:
        module.fail_json(msg=f"{module.params['path']} cannot be used as a lock: {error}")


if __name__ == "__main__":
    main()
