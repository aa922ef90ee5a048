# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tags: what AWS takes as one, the same for queues and for everything else that we tag. Pure.

Limits are those of sqs-queue-tags.html (SQS developer guide) and of reference_iam-quotas.html.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from .._problems import Problems, join, read_mapping, show

TAG_LIMIT = 50
"""More tags of a queue are not recommended, and tagging pages refuse them. Source: quotas-queues.html."""
TAG_KEY_MAXIMUM = 128
TAG_VALUE_MAXIMUM = 256

_TEXT = re.compile(r"[\w\s.:/=+\-@]*")


def read_tags(value: object, path: str, problems: Problems) -> dict[str, str]:
    """Return tags as strings; add a fault for each one that AWS refuses."""
    tags: dict[str, str] = {}
    for key, raw in read_mapping(value, path, problems).items():
        where = join(path, key)
        if not key:
            problems.add(where, "the key of a tag cannot be empty")
        elif isinstance(raw, bool) or not isinstance(raw, (str, int, float)):
            problems.add(where, f"{show(raw)} is not a string; quote it")
        elif len(key) > TAG_KEY_MAXIMUM:
            problems.add(where, f"the key is {len(key)} characters, above {TAG_KEY_MAXIMUM}")
        elif key.lower().startswith("aws:"):
            problems.add(where, "keys that begin with aws: are reserved by AWS")
        elif len(str(raw)) > TAG_VALUE_MAXIMUM:
            problems.add(where, f"the value is {len(str(raw))} characters, above {TAG_VALUE_MAXIMUM}")
        elif not _TEXT.fullmatch(key) or not _TEXT.fullmatch(str(raw)):
            problems.add(where, f"{show(raw)}: a tag may hold letters, digits, spaces and _.:/=+-@ only")
        else:
            tags[key] = str(raw)
    check_number_of_tags(tags, path, problems)
    return tags


def check_number_of_tags(tags: dict[str, str], path: str, problems: Problems, *, of: str = "") -> None:
    """Add a fault for too many tags; ``of`` says whose they are, where that is not clear from ``path``."""
    if len(tags) > TAG_LIMIT:
        problems.add(path, f"{len(tags)} tags{of} is above {TAG_LIMIT}")


def differing_tags(
    wanted: Mapping[str, str] | None, actual: Mapping[str, str], *, purge: bool
) -> tuple[dict[str, str], list[str]]:
    """Return the tags to set and the keys to remove.

    :param wanted: None leaves the tags alone.
    :param purge: remove tags that are not wanted; those that begin with ``aws:`` are AWS's own and cannot be removed.
    """
    if wanted is None:
        return {}, []
    new = {key: value for key, value in wanted.items() if actual.get(key) != value}
    strangers = sorted(key for key in actual if key not in wanted and not key.startswith("aws:"))
    return new, strangers if purge else []
