# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of the module ``queue_info``: shows the progress of long work."""

from __future__ import annotations

from ansible_collections.ecommerce.sqs.plugins.plugin_utils.progress import ProgressAction


class ActionModule(ProgressAction):
    """As in :class:`ProgressAction`."""
