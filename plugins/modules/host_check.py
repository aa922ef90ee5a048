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
  - Looks whether services can be installed below a directory, and whether the Python there can run the worker.
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
"""

EXAMPLES = r"""
- name: The host can take services
  ecommerce.sqs.host_check:
    directory: /opt/ecommerce
"""

RETURN = r"""
problems:
  description: What is in the way, each with its way out. The module fails when there is any.
  returned: always
  type: list
  elements: str
  sample: []
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.ecommerce.sqs.plugins.module_utils.host_check import problems


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "directory": {"type": "path", "required": True},
            "python": {"type": "str", "default": "python3"},
            "free_megabytes": {"type": "int", "default": 500},
        },
        supports_check_mode=True,
    )
    params = module.params
    found = problems(Path(params["directory"]), python=params["python"], free_megabytes=params["free_megabytes"])
    if found:
        module.fail_json(msg="\n".join(found), problems=found)
    module.exit_json(changed=False, problems=[])


if __name__ == "__main__":
    main()
