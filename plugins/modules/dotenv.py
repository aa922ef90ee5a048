#!/usr/bin/python
# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dotenv
short_description: Keep keys of a C(.env) file as they should be
version_added: 1.0.0
description:
  - Gives keys of a C(.env) file their values and takes others out. Every other line, comments and the order included,
    stays as it is, byte for byte.
  - A value is written in a form that Node.js' C(dotenv), C(python-dotenv), a shell's C(source) and systemd's
    C(EnvironmentFile=) read alike. A value for which there is no such form is refused with the reason before
    anything is written.
  - The file is replaced in one step and is at no moment readable by more users than O(mode) allows.
author:
  - Contributors to the ecommerce.sqs project (@ecommerce-sqs)
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: [The values of secrets and of keys that were not asked for are masked.]
  idempotent:
    support: full
options:
  path:
    description:
      - The file. It is made when it is not there and O(present) or O(secrets) has a key; its folder must be there.
      - A symbolic link is followed.
    type: path
    required: true
  present:
    description:
      - Keys and their values. Numbers are written as they stand, booleans as C(true) and C(false).
      - Their values are shown in a diff, unless the key or the value looks like a secret.
    type: dict
    default: {}
  secrets:
    description:
      - More keys and their values, never shown anywhere.
    type: dict
    default: {}
  absent:
    description:
      - Keys to take out.
    type: list
    elements: str
    default: []
  backup:
    description:
      - Keep the old file beside the new one, with the time in its name.
    type: bool
    default: false
  mode:
    description:
      - Permissions of the file. It usually holds secrets, so nobody but the owner reads it unless asked.
    type: raw
    default: "0600"
extends_documentation_fragment:
  - ecommerce.sqs.attributes
  - ansible.builtin.files
seealso:
  - module: ansible.builtin.lineinfile
    description: Edits any text line by line and knows nothing of quoting.
"""

EXAMPLES = r"""
- name: Tell the payment service where its queues are
  ecommerce.sqs.dotenv:
    path: /opt/ecommerce/payment/.env
    present:
      AWS_REGION: ap-southeast-1
      ORDER_QUEUE_URL: https://sqs.ap-southeast-1.amazonaws.com/123456789012/ecommerce-order-queue
    secrets:
      DATABASE_URL: "{{ payment_database_url }}"
    absent:
      - AWS_SECRET_ACCESS_KEY
    owner: ecommerce
    group: ecommerce
"""

RETURN = r"""
added:
  description: Keys that were not there.
  returned: success
  type: list
  elements: str
  sample: [ORDER_QUEUE_URL]
modified:
  description: Keys that had another value, or one that readers disagree on.
  returned: success
  type: list
  elements: str
  sample: [AWS_REGION]
removed:
  description: Keys taken out.
  returned: success
  type: list
  elements: str
  sample: [AWS_SECRET_ACCESS_KEY]
version:
  description:
    - A text that is another one after each write of the file, and says nothing of its content. Useful to restart what
      reads the file.
    - None when there is no file.
  returned: success
  type: str
  sample: "1795573356467000000"
backup_file:
  description: The copy of the old file.
  returned: when O(backup=true) and the file changed
  type: str
  sample: /opt/ecommerce/payment/.env.2026-11-25@10:02:07~
"""

from ansible_collections.ecommerce.sqs.plugins.module_utils._dotenv.module import reconcile
from ansible_collections.ecommerce.sqs.plugins.module_utils._host.module import run_module


def main() -> None:
    run_module(
        {
            "path": {"type": "path", "required": True},
            "present": {"type": "dict", "default": {}},
            "secrets": {"type": "dict", "default": {}, "no_log": True},
            "absent": {"type": "list", "elements": "str", "default": []},
            "backup": {"type": "bool", "default": False},
            "mode": {"type": "raw", "default": "0600"},
        },
        reconcile,
        add_file_common_args=True,
    )


if __name__ == "__main__":
    main()
