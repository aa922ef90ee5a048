# SPDX-License-Identifier: GPL-3.0-or-later
"""Handlers of the benchmark's workers."""

from __future__ import annotations

import asyncio
import time

from sqs_worker import Message


async def noop(_message: Message) -> None:
    """Do nothing."""


async def timestamp(message: Message) -> None:
    """Print how long the message was on its way; its body is when it was sent."""
    print(f"latency {time.time() - float(message.body):.6f}", flush=True)


async def short(_message: Message) -> None:
    """Take 50 ms."""
    await asyncio.sleep(0.05)


async def forever(_message: Message) -> None:
    """Keep the message in flight."""
    await asyncio.sleep(3600)
