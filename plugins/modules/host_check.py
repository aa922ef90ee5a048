#!/usr/bin/python
# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: host_check
short_description: Find what would keep a service from being deployed on a host
version_added: 1.0.0
author:
  - Contributors to the ecommerce.sqs project (@ecommerce-sqs)
description:
  - Looks whether services can be installed below a directory, whether the Python there can run the worker, whether the
    C(.env) files take what is meant for them, and whether a PM2 that is installed finds its Node.js.
  - Reports everything that is in the way at once, and leaves nothing behind.
extends_documentation_fragment:
  - ecommerce.sqs.attributes
  - ecommerce.sqs.attributes.info
options:
  directory:
    description: Where services will be installed. It need not exist.
    type: path
    required: true
  python:
    description: The interpreter that makes the virtual environments.
    type: str
    default: python3
  free_megabytes:
    description: What must be free on the file system of O(directory), in megabytes.
    type: int
    default: 500
  env_files:
    description: The C(.env) files that will be written, as M(ecommerce.sqs.dotenv) does it.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: The file. Neither it nor its folder need exist.
        type: path
        required: true
      present:
        description: Keys and their values.
        type: dict
        default: {}
      secrets:
        description: More keys and their values, never shown anywhere.
        type: dict
        default: {}
  pm2_executable:
    description: The PM2 that keeps the processes. One that is not there is no problem, since it will be installed.
    type: path
  pm2_path:
    description: Folders in which PM2 looks for Node.js before the system's.
    type: list
    elements: path
    default: []
"""

EXAMPLES = r"""
- name: The host can take services
  ecommerce.sqs.host_check:
    directory: /opt/ecommerce
    env_files:
      - path: /opt/ecommerce/payment/.env
        secrets:
          DATABASE_URL: "{{ payment_database_url }}"
"""

RETURN = r"""
problems:
  description: What is in the way, each with its way out. The module fails when there is any.
  returned: always
  type: list
  elements: str
  sample: []
"""

from ansible_collections.ecommerce.sqs.plugins.module_utils._deploy.host_check import check
from ansible_collections.ecommerce.sqs.plugins.module_utils._host.module import run_module


def main() -> None:
    run_module(
        {
            "directory": {"type": "path", "required": True},
            "python": {"type": "str", "default": "python3"},
            "free_megabytes": {"type": "int", "default": 500},
            "env_files": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "path": {"type": "path", "required": True},
                    "present": {"type": "dict", "default": {}},
                    "secrets": {"type": "dict", "default": {}, "no_log": True},
                },
            },
            "pm2_executable": {"type": "path"},
            "pm2_path": {"type": "list", "elements": "path", "default": []},
        },
        lambda module: check(**module.params),
    )


if __name__ == "__main__":
    main()
