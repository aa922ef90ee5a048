# SPDX-License-Identifier: GPL-3.0-or-later
"""A client of SQS that takes batches, for the sending side."""

from __future__ import annotations

from typing import Any

from sqs_worker.batch import MAX_BATCH_BYTES
from sqs_worker.producer import entry_size

URL = "https://sqs.example/1/orders"


FIFO = "https://sqs.example/1/payments.fifo"


class Client:
    """Takes batches like SQS; ``refusals`` says how often which body is refused, and whether by the sender's fault."""

    def __init__(self, refusals: dict[str, tuple[int, bool]] | None = None) -> None:
        self.refusals = refusals or {}
        self.sent: list[dict[str, Any]] = []
        self.batches = 0

    def send_message(self, **entry: Any) -> dict[str, Any]:
        self.sent.append(entry)
        return {"MessageId": f"id-{entry['MessageBody']}"}

    def send_message_batch(self, **parameters: Any) -> dict[str, Any]:
        entries = parameters["Entries"]
        self.batches += 1
        assert 1 <= len(entries) <= 10
        assert sum(map(entry_size, entries)) <= MAX_BATCH_BYTES
        answer: dict[str, list[dict[str, Any]]] = {"Successful": [], "Failed": []}
        for entry in entries:
            left, fault = self.refusals.get(entry["MessageBody"], (0, False))
            if left:
                self.refusals[entry["MessageBody"]] = (left - 1, fault)
                answer["Failed"].append({"Id": entry["Id"], "Code": "X", "SenderFault": fault})
            else:
                self.sent.append(entry)
                answer["Successful"].append({"Id": entry["Id"], "MessageId": f"id-{entry['MessageBody']}"})
        return answer
