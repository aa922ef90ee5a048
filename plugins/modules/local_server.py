#!/usr/bin/python
# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: local_server
short_description: Run a program that listens on a loopback port
version_added: 1.0.0
author:
  - Contributors to the ecommerce.sqs project (@ecommerce-sqs)
description:
  - Starts a program in the background when it is not up, and waits until it listens.
  - It serves the local inventory, where moto stands in for AWS and a small server takes the mails.
    For anything that has to survive a reboot, use a service manager.
  - The program ends by itself after O(lifetime), whatever happens to the run that started it.
extends_documentation_fragment:
  - ecommerce.sqs.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  name:
    description: The name of the server. Its record and its log in O(directory) are named after it.
    type: str
    required: true
  state:
    description: Whether the server is up.
    type: str
    choices: [started, stopped]
    default: started
  argv:
    description: The program and its arguments. Required when O(state=started).
    type: list
    elements: str
  host:
    description: The loopback address that the program listens on.
    type: str
    default: 127.0.0.1
  port:
    description: The port that the program listens on. One that runs on another port is ended first.
    type: int
    required: true
  directory:
    description: Where the record of the process and its log are kept; also its working directory.
    type: path
    required: true
  environment:
    description: Variables that are added to the program's environment.
    type: dict
    default: {}
  lifetime:
    description: Seconds after which the program is ended.
    type: int
    default: 28800
"""

EXAMPLES = r"""
- name: Start moto's server
  ecommerce.sqs.local_server:
    name: embedded-aws
    argv: [moto_server, -H, 127.0.0.1, -p, "5566"]
    port: 5566
    directory: ~/.cache/embedded-aws

- name: Stop it
  ecommerce.sqs.local_server:
    name: embedded-aws
    port: 5566
    directory: ~/.cache/embedded-aws
    state: stopped
"""

RETURN = r"""
address:
  description: Where the server listens.
  returned: always
  type: str
  sample: 127.0.0.1:5566
log:
  description: The file that holds what the program prints.
  returned: always
  type: str
  sample: /home/me/.cache/embedded-aws/embedded-aws.log
pid:
  description: The process ID of the running server.
  returned: when the server is up
  type: int
  sample: 4711
"""

from ansible_collections.ecommerce.sqs.plugins.module_utils._host.local_server import reconcile
from ansible_collections.ecommerce.sqs.plugins.module_utils._host.module import run_module


def main() -> None:
    run_module(
        {
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["started", "stopped"], "default": "started"},
            "argv": {"type": "list", "elements": "str"},
            "host": {"type": "str", "default": "127.0.0.1"},
            "port": {"type": "int", "required": True},
            "directory": {"type": "path", "required": True},
            "environment": {"type": "dict", "default": {}},
            "lifetime": {"type": "int", "default": 28800},
        },
        lambda module: reconcile(module.params, check_mode=module.check_mode),
        required_if=[("state", "started", ["argv"])],
    )


if __name__ == "__main__":
    main()
