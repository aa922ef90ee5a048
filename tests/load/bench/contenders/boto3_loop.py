# SPDX-License-Identifier: GPL-3.0-or-later
"""Benchmark contender: a bare boto3 receive/delete loop. Arguments: queue URL, number of messages."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import boto3

queue_url, expected = sys.argv[1], int(sys.argv[2])
client = boto3.client("sqs")
handled, wall, cpu = 0, 0.0, 0.0
while handled < expected:
    messages = client.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", [])
    if not handled:  # from the first message on: a start's cost is no cost a message
        wall, cpu = time.perf_counter(), time.process_time()
    if messages:
        entries: list[Any] = [{"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]} for n, m in enumerate(messages)]
        client.delete_message_batch(QueueUrl=queue_url, Entries=entries)
        handled += len(messages)
report = {"messages": handled, "seconds": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
print(json.dumps(report), file=sys.stderr)
