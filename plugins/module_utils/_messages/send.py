# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Send messages in order and in batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .._topology.names import is_fifo
from .api import MessageApi
from .outgoing import Entry, batches


def send_all(
    api: MessageApi, queue: str, entries: Sequence[Entry]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Send entries in order, in batches; return what was taken and what was not, each with its position.

    A failed entry does not hold back the later ones, except in a FIFO queue those of its group that are not sent yet.
    Raises AwsCallError.
    """
    taken: list[dict[str, Any]] = []
    refused: list[dict[str, Any]] = []
    stopped_groups: set[str] = set()
    position = 0
    for batch in batches(entries, one_of_a_group=is_fifo(queue)):
        offset, position = position, position + len(batch)
        stopped = [entry for entry in batch if entry.get("MessageGroupId") in stopped_groups]
        going = [entry for entry in batch if entry not in stopped]
        refused += [
            _refusal(offset, entry["Id"], "not sent, for an earlier one of its group failed") for entry in stopped
        ]
        if not going:
            continue
        sent = api.send(queue, going)
        for entry in going:
            answer = sent.taken.get(entry["Id"])
            if answer is None:
                refused.append(_refusal(offset, entry["Id"], sent.failed.get(entry["Id"], "no answer")))
                if is_fifo(queue):
                    stopped_groups.add(entry["MessageGroupId"])
                continue
            taken.append(
                {
                    "position": offset + int(entry["Id"]),
                    "message_id": answer["MessageId"],
                    "sequence_number": answer.get("SequenceNumber"),
                }
            )
    return taken, refused


def _refusal(offset: int, entry_id: str, reason: str) -> dict[str, Any]:
    return {"position": offset + int(entry_id), "reason": reason}
