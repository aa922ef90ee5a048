#!/usr/bin/python
# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: release
short_description: Install folders of source code as a release
version_added: 1.0.0
description:
  - Copies folders from the machine that runs the playbook, builds a virtual environment for them and makes the
    result live by swapping one link. A release is named by its content, so the same content is installed once.
  - "Under O(root) stand C(releases/ID), C(venvs/ID), the links C(current) and C(previous), and for each source a link
    of its name to the one in the live release, besides C(venv)."
  - A run that is killed is finished by the next. When nothing differs, nothing is copied.
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
  root:
    description:
      - Absolute path of the service's folder. It is made when it is not there.
    type: path
    required: true
  sources:
    description:
      - Folders on the machine that runs the playbook, by the name that each gets in the release. Needed without
        O(release).
      - An archive, C(.tar.gz), C(.tar.xz), C(.tar.bz2) or C(.zip), stands for the folder in it. The same content makes
        the same release, whether packed or not.
      - Links have to be relative and to stay in their folder, since a host gets nothing else.
      - Left out are C(.env), C(.git), C(node_modules), virtual environments, caches and compiled Python files.
    type: dict
  release:
    description:
      - ID of a release that is on the host already and is made live, or V(previous) for the one that was live before.
        Nothing is installed then. With O(activate=false) the release is only looked up.
    type: str
  forget:
    description:
      - With O(release), do not remember the release that was live as the one to go back to, because it failed. The one
        before it takes that place.
    type: bool
    default: false
  virtualenv:
    description:
      - The virtual environment for the release. Without this option there is none.
      - Releases with the same requirement files share what these install. So a requirement without a version stays at
        the one it got first until a file changes.
    type: dict
    suboptions:
      python:
        description: The program to build it with.
        type: str
        default: python3
      requirements:
        description: Requirement files to install one after the other, as paths in the release.
        type: list
        elements: str
        default: []
      packages:
        description: Python projects to install after that, as paths in the release.
        type: list
        elements: str
        default: []
      build_isolation:
        description: Whether pip fetches the build tools of the projects itself. Without, the requirements name them.
        type: bool
        default: true
      uv:
        description: The command that runs uv on the host, which then installs in place of pip and takes seconds.
        type: list
        elements: str
        default: []
  npm:
    description:
      - The npm packages of the release, installed with C(npm ci --omit=dev) while it is being prepared. The live
        release never has half of them. Releases with the same lock share them where they can.
    type: dict
    suboptions:
      folders:
        description:
          - Folders in the release, each with C(package.json) and C(package-lock.json) or C(npm-shrinkwrap.json).
        type: list
        elements: str
        required: true
      scripts:
        description:
          - Whether packages may run their install scripts, which they do as the user of this task. Packages that
            compile or download something for the host need it. They are then not shared between releases.
        type: bool
        default: false
      path:
        description: Folders in which C(npm) and C(node) are looked for first.
        type: list
        elements: path
        default: []
  folders:
    description:
      - Folders to have under O(root) beside the releases, for data and logs, with mode 0750.
    type: list
    elements: str
    default: []
  folders_owner:
    description:
      - User that owns O(folders), by default the user of the task.
    type: str
  folders_group:
    description:
      - Group that owns O(folders).
    type: str
  activate:
    description:
      - Whether the release becomes the live one, or is only made ready.
    type: bool
    default: true
  archives:
    description:
      - Where the packed O(sources) are on the host. Set by the collection itself.
    type: dict
    default: {}
  keep:
    description:
      - Number of releases to keep. The live one and the one before are never removed.
    type: int
    default: 5
extends_documentation_fragment:
  - ecommerce.sqs.attributes
"""

EXAMPLES = r"""
- name: Go back to the release that was live before
  ecommerce.sqs.release:
    root: /opt/ecommerce/payment
    release: previous

- name: Install the payment service
  ecommerce.sqs.release:
    root: /opt/ecommerce/payment
    sources:
      app: "{{ playbook_dir }}/../examples/storefront"
    virtualenv:
      requirements: [app/requirements.txt]
      packages: [app]
    folders: [data, logs]
    folders_owner: ecommerce

- name: Install a Node.js service
  ecommerce.sqs.release:
    root: /opt/ecommerce/payment
    sources:
      app: "{{ playbook_dir }}/../payment-service"
    npm:
      folders: [app]
    folders: [data, logs]
    folders_owner: ecommerce
"""

RETURN = r"""
release:
  description: ID of the release.
  returned: success
  type: str
  sample: 4f1c2a9be07d
previous:
  description: ID of the release that was live when the task began, none when there was none.
  returned: success
  type: str
  sample: 0c9d7be5a412
steps:
  description: What was done, or would be done in check mode, in order.
  returned: success
  type: list
  elements: str
  sample: [unpack release 4f1c2a9be07d, make 4f1c2a9be07d live in place of 0c9d7be5a412]
"""

from ansible_collections.ecommerce.sqs.plugins.module_utils._host.module import run_module
from ansible_collections.ecommerce.sqs.plugins.module_utils._release.reconcile import reconcile


def main() -> None:
    run_module(
        {
            "root": {"type": "path", "required": True},
            "sources": {"type": "dict"},
            "release": {"type": "str"},
            "forget": {"type": "bool", "default": False},
            "virtualenv": {
                "type": "dict",
                "options": {
                    "python": {"type": "str", "default": "python3"},
                    "requirements": {"type": "list", "elements": "str", "default": []},
                    "packages": {"type": "list", "elements": "str", "default": []},
                    "build_isolation": {"type": "bool", "default": True},
                    "uv": {"type": "list", "elements": "str", "default": []},
                },
            },
            "npm": {
                "type": "dict",
                "options": {
                    "folders": {"type": "list", "elements": "str", "required": True},
                    "scripts": {"type": "bool", "default": False},
                    "path": {"type": "list", "elements": "path", "default": []},
                },
            },
            "folders": {"type": "list", "elements": "str", "default": []},
            "folders_owner": {"type": "str"},
            "folders_group": {"type": "str"},
            "activate": {"type": "bool", "default": True},
            "keep": {"type": "int", "default": 5},
            "archives": {"type": "dict", "default": {}},
        },
        lambda module: reconcile(module.params, check_mode=module.check_mode),
        required_one_of=[("sources", "release")],
        mutually_exclusive=[("sources", "release")],
    )


if __name__ == "__main__":
    main()
