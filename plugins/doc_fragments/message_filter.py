# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a filter of messages consists of, the same for every module that has the option C(filter)."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  filter:
    suboptions:
      body_contains:
        description: Text that the body contains.
        type: str
      body_matches:
        description: Regular expression that is found in the body.
        type: str
      attributes:
        description: Attributes and their values, compared as text.
        type: dict
      minimum_age:
        description: Least age in seconds. In the dead-letter queue of a standard queue it counts from the first send.
        type: int
      maximum_age:
        description: Greatest age in seconds.
        type: int
      minimum_receive_count:
        description: Least number of receives, that of the task included.
        type: int
      maximum_receive_count:
        description: Greatest number of receives, that of the task included.
        type: int
"""
