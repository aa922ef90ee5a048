# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of settings, made from the settings themselves, so that the two cannot differ."""

from __future__ import annotations

import dataclasses
from typing import Any

from sqs_worker.settings import PREFIX, Settings


def settings_table() -> str:
    """All settings as a Markdown table."""
    rows = ["| variable | default | meaning |", "| --- | --- | --- |"]
    for field in dataclasses.fields(Settings):
        text = field.metadata["help"].replace("|", "\\|")
        rows.append(f"| `{PREFIX}{field.name.upper()}` | {_shown(field.default)} | {text} |")
    return "\n".join(rows)


def _shown(value: Any) -> str:
    if value is None or value == ():
        return ""
    if isinstance(value, tuple):
        return "`" + ",".join(map(str, value)) + "`"
    return f"`{value:,.12g}`".replace(",", "") if isinstance(value, float) else f"`{value}`"
