# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where PM2 is: the options that its modules share."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  home:
    description:
      - PM2's home (C(PM2_HOME)), which decides what PM2 and which processes are meant. Never guessed.
      - Its folder has to belong to O(user), and its path has to leave room for a socket, which Linux
        limits to 107 bytes.
    type: path
    required: true
  executable:
    description:
      - The C(pm2) command, as a path or as a name to look for.
    type: path
    default: pm2
  path:
    description:
      - Folders in which PM2 and its processes look for programs first, C(node) among them. The system's own folders
        follow.
    type: list
    elements: path
    default: []
  user:
    description:
      - The user whose PM2 it is, by default the user of the task. Any other needs a task that runs as root.
    type: str
"""
