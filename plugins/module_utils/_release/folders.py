# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The folders beside the releases in which a service keeps its own data."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import ReleaseError

if TYPE_CHECKING:
    from collections.abc import Iterable

MODE = 0o750


def own(root: str, names: Iterable[str], owner: str | None, group: str | None) -> bool:
    """Give the folders below ``root`` their owner, group and mode, and return whether one had others.

    Without ``owner`` or ``group`` they keep theirs. Raises ReleaseError when there is no such user or group, and
    OSError.
    """
    changed = False
    for name in names:
        folder = Path(root, name)
        before = folder.stat()
        folder.chmod(MODE)
        if owner or group:
            try:
                shutil.chown(folder, owner, group)  # type: ignore[arg-type]
            except LookupError as error:
                raise ReleaseError(
                    f"folders_owner, folders_group: {error}: make that user first, or name another"
                ) from error
        after = folder.stat()
        changed |= (before.st_mode, before.st_uid, before.st_gid) != (after.st_mode, after.st_uid, after.st_gid)
    return changed
