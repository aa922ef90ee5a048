# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every module of the collection says about check mode, diff mode and repeated runs.

A module that changes something extends ``ecommerce.sqs.attributes`` and states C(support) itself;
one that only reads extends ``ecommerce.sqs.attributes.info`` as well.
"""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying target.
  diff_mode:
    description: Will return details on what has changed, or would change in C(check_mode), when in diff mode.
  idempotent:
    description:
      - When run twice in a row outside check mode with the same arguments, the second run reports no change.
      - This assumes that nobody else changed in the meantime what the module manages.
"""

    INFO = r"""
options: {}
attributes:
  check_mode:
    support: full
    details: [This module only reads.]
  diff_mode:
    support: N/A
    details: [This module only reads.]
  idempotent:
    support: full
    details: [This module only reads.]
"""

    ACTIONGROUP_AWS = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/ecommerce.sqs.aws) in C(module_defaults) to set defaults for this module.
    support: full
    membership: [ecommerce.sqs.aws]
"""
