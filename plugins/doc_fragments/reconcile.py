# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that say how queues are brought to their state, the same for one queue and for many."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  state:
    description:
      - V(present) creates and updates.
      - V(absent) deletes, sources before their dead-letter queues.
    type: str
    choices: [present, absent]
    default: present
  purge_tags:
    description: Remove tags that are not listed. Tags are left alone where none are given at all.
    type: bool
    default: true
  account_id:
    description:
      - The AWS account of the queues, 12 digits, quoted.
      - Without it the account is taken from queues that exist, or asked of C(sts:GetCallerIdentity).
    type: str
  allow_lower_retention:
    description:
      - Confirm that a message retention period may go down on a queue that exists. SQS deletes messages that are
        older than the new period.
    type: bool
    default: false
  allow_message_loss:
    description: Confirm that queues may be deleted together with the messages that they hold.
    type: bool
    default: false
  wait:
    description:
      - Wait, once for all queues, until what was written can be read back, at the most O(wait_timeout) seconds.
      - Also wait where the name of a queue was in use by one that was deleted less than 60 seconds ago.
    type: bool
    default: true
  wait_timeout:
    description:
      - Seconds to wait, 0 to 3600. When they are over, the task warns and goes on.
    type: int
    default: 60
"""
