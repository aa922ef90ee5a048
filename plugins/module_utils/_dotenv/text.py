# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Edit the text of a ``.env`` file so that its four usual readers agree on what was written.

The readers are Node's ``dotenv``, ``python-dotenv``, a shell's ``source`` and systemd's ``EnvironmentFile=``.
They differ in quotes, ``$``, ``#``, backslashes and line ends, so a value is written in a form that all of
them read alike, or refused. Everything here is pure: text in, text out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
BARE_VALUE = re.compile(r"[A-Za-z0-9_./:@%+,=-]+\Z")
ASSIGNMENT = re.compile(r"(?P<lead>[ \t]*(?:export[ \t]+)?)(?P<key>[A-Za-z_][A-Za-z0-9_.-]*)(?P<equals>[ \t]*=[ \t]*)")
# A NUL, or a byte that could not be decoded and stands as a lone surrogate (PEP 383).
NO_TEXT = re.compile("[\0\udc80-\udcff]")
INLINE_COMMENT = re.compile(r"[ \t]+(#.*)\Z")

# bash refuses to assign the first group, which ends the sourcing of a file, and computes the second itself.
SHELL_READONLY = frozenset({"BASHOPTS", "BASH_VERSINFO", "EUID", "PPID", "SHELLOPTS", "UID"})
SHELL_COMPUTED = frozenset(
    {
        "BASHPID", "BASH_ALIASES", "BASH_ARGC", "BASH_ARGV", "BASH_ARGV0", "BASH_CMDS", "BASH_COMMAND", "BASH_LINENO",
        "BASH_SOURCE", "BASH_SUBSHELL", "COMP_WORDBREAKS", "DIRSTACK", "EPOCHREALTIME", "EPOCHSECONDS", "FUNCNAME",
        "GROUPS", "HISTCMD", "LINENO", "PIPESTATUS", "RANDOM", "SECONDS", "SRANDOM", "_",
    }
)  # fmt: skip

MASK = "********"
SECRET_KEY = re.compile(
    r"PASS|SECRET|TOKEN|CREDENTIAL|PRIVATE|(?:^|_)(?:API|ACCESS|AUTH)?_?KEY(?:_|\Z)|DSN", re.IGNORECASE
)
URL_WITH_PASSWORD = re.compile(r"://[^/\s:@]*:[^/\s@]+@")


class DotenvError(ValueError):
    """The file or a value cannot be written so that every reader agrees; the message says which, why and what to do."""


@dataclass
class Entry:
    """A piece of the file: its exact text with line ends and, for an assignment, its key and what it holds.

    ``value`` is None when readers disagree on the text, or when the text is not in a form this module writes.
    ``hazard`` says why a reader would swallow lines after this one.
    """

    text: str
    key: str | None = None
    value: str | None = None
    comment: str | None = None
    hazard: str | None = None


@dataclass
class Change:
    """What an edit does: the new text, the keys by kind, and the masked texts for a diff."""

    before: str
    after: str
    added: list[str] = field(default_factory=list)
    modified: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    masked_before: str = ""
    masked_after: str = ""

    @property
    def is_change(self) -> bool:
        return self.before != self.after


def refusal(value: str) -> str | None:
    """Return why the four readers would not agree on ``value``, or None when they do. Never quotes the value."""
    for character in value:
        reason = _character_refusal(character)
        if reason:
            return reason
    if "${" in value:
        return "contains '${', which python-dotenv replaces by a variable even inside quotes"
    return _double_quotes_refusal(value) if "'" in value else _single_quotes_refusal(value)


def _character_refusal(character: str) -> str | None:
    code = ord(character)
    if (code < 0x20 and character not in "\t\n") or 0x7F <= code <= 0x9F:
        return (
            f"contains the control character U+{code:04X}, which readers take for a line end, cut off or hide: "
            "encode the value, in Base64 for example"
        )
    if code in (0x2028, 0x2029):
        return f"contains the line separator U+{code:04X}, which Node.js takes for a line end"
    if 0xD800 <= code <= 0xDFFF:
        return f"contains the lone surrogate U+{code:04X}, which is not text"
    if 0xFDD0 <= code <= 0xFDEF or code & 0xFFFE == 0xFFFE:
        return f"contains the noncharacter U+{code:04X}, for which systemd drops the whole line"
    return None


def _single_quotes_refusal(value: str) -> str | None:
    if value.endswith("\\"):
        return "ends with a backslash, which Node.js and python-dotenv read as an escaped quote"
    if "\\\\" in value:
        return "contains two backslashes in a row, of which python-dotenv makes one"
    return None


def _double_quotes_refusal(value: str) -> str | None:
    if '"' in value:
        return "contains both a single and a double quote, which no form of quoting carries through all readers"
    for character in "\\$`":
        if character in value:
            return (
                f"contains both a single quote and {character}: it would need double quotes, in which a shell "
                f"gives {character} a meaning"
            )
    return None


def plain_text(key: str, value: object) -> str:
    """Return an option's value as the text to write: booleans as YAML spells them, numbers as they stand.

    Raises DotenvError for anything that is not one value.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value)
    if value is None:
        raise DotenvError(f"{key} has no value: give it one ('' for an empty one) or name it in absent")
    raise DotenvError(f"the value of {key} is a {type(value).__name__}, which a .env file cannot hold: give it as text")


def quote(value: str) -> str:
    """Return ``value`` in the form that all four readers take for it.

    Raises DotenvError with the reason when there is none.
    """
    reason = refusal(value)
    if reason:
        raise DotenvError(reason)
    if BARE_VALUE.match(value):
        return value
    return f'"{value}"' if "'" in value else f"'{value}'"


def check_key(key: str) -> str | None:
    """Return why ``key`` cannot be a variable for all four readers, or None."""
    if not KEY.match(key):
        return "is not a variable name (letters, digits and underscores, not starting with a digit)"
    if key in SHELL_READONLY:
        return "is read-only in bash, which would stop reading the file there"
    if key in SHELL_COMPUTED:
        return "is computed by bash itself, which would ignore the value"
    return None


def parse(text: str) -> list[Entry]:
    """Split a file into entries whose texts add up to ``text`` exactly."""
    entries = []
    position = 0
    while position < len(text):
        entry = _entry_at(text, position)
        entries.append(entry)
        position += len(entry.text)
    return entries


def edit(text: str, values: Mapping[str, str], absent: Sequence[str] = (), secrets: Sequence[str] = ()) -> Change:
    """Return the change that gives ``values`` to the file ``text`` and takes the keys ``absent`` out of it.

    A key that is there keeps its place, a new one is appended in the order given. A key that stands several times is
    left once, where it last stood, since that is the one every reader takes. A comment behind a rewritten value moves
    to a line of its own above it, because systemd would take it for a part of the value. ``secrets`` names the keys
    whose values never appear in a diff or an error message.

    Raises DotenvError listing every key and value that cannot be written.
    """
    _check_text(text)
    _check(values, absent)
    change = Change(before=text, after="")
    entries = parse(text)
    last = {entry.key: index for index, entry in enumerate(entries) if entry.key is not None}
    kept: list[Entry] = []
    for index, entry in enumerate(entries):
        if entry.key is None:
            kept.append(entry)
        elif entry.key in values:
            if index == last[entry.key]:
                kept.extend(_update(entry, values[entry.key], change))
        elif entry.key in absent:
            if entry.key not in change.removed:
                change.removed.append(entry.key)
        else:
            kept.append(entry)
    change.added = [key for key in values if key not in last]
    if change.added and kept and not kept[-1].text.endswith("\n"):
        kept[-1].text += "\n"
    kept.extend(_entry_for(key, values[key]) for key in change.added)
    _check_reachable(kept, values)
    change.after = "".join(entry.text for entry in kept)
    visible = {key for key, value in values.items() if key not in secrets and not _looks_secret(key, value)}
    change.masked_before = _mask(entries, visible, set())
    change.masked_after = _mask(kept, visible, set(change.modified))
    return change


def _entry_at(text: str, position: int) -> Entry:
    end = _line_end(text, position)
    line = text[position:end]
    content = line.rstrip("\r\n")
    stripped = content.strip()
    if not stripped:
        return Entry(line)
    if stripped[0] in "#;":
        return Entry(line, hazard="is a comment that ends with a backslash" if content.endswith("\\") else None)
    match = ASSIGNMENT.match(text, position)
    if not match or match.end() > end:
        return Entry(line, hazard=_bare_hazard(content))
    if match.end() < len(text) and text[match.end()] in "'\"":
        return _quoted_entry(text, position, match)
    return _bare_entry(line, match)


def _line_end(text: str, position: int) -> int:
    newline = text.find("\n", position)
    return len(text) if newline < 0 else newline + 1


def _bare_entry(line: str, match: re.Match[str]) -> Entry:
    key = match["key"]
    rest = line[match.end() - match.start() :].rstrip("\r\n")
    comment = INLINE_COMMENT.search(rest)
    exact = not match["lead"].strip() and match["equals"] == "=" and not line.endswith("\r\n")
    value = rest if exact and BARE_VALUE.match(rest) else None
    hazard = _bare_hazard(rest[: comment.start()] if comment else rest)
    return Entry(line, key, value, comment[1] if comment else None, hazard)


def _bare_hazard(content: str) -> str | None:
    if content.endswith("\\"):
        return "ends with a backslash"
    if content.count("'") % 2 or content.count('"') % 2:
        return "has a quote that is not closed"
    return None


def _quoted_entry(text: str, position: int, match: re.Match[str]) -> Entry:
    mark = text[match.end()]
    close = _closing_quote(text, match.end(), mark)
    if close < 0:
        line = text[position : _line_end(text, position)]
        return Entry(line, match["key"], hazard="has a quote that is not closed")
    end = _line_end(text, close)
    tail = text[close + 1 : end].rstrip("\r\n")
    comment = INLINE_COMMENT.search(tail)
    value = text[match.end() + 1 : close]
    exact = not match["lead"].strip() and match["equals"] == "=" and not tail and not text[close:end].endswith("\r\n")
    agreed = exact and not _quoted_differently(value, mark)
    return Entry(text[position:end], match["key"], value if agreed else None, comment[1] if comment else None)


def _quoted_differently(value: str, mark: str) -> bool:
    """Whether readers disagree on ``value`` standing between two ``mark``."""
    if mark == '"' and any(character in value for character in "\\$`"):
        return True
    return refusal(value) is not None


def _closing_quote(text: str, opening: int, mark: str) -> int:
    position = opening + 1
    while position < len(text):
        if text[position] == mark:
            return position
        position += 2 if text[position] == "\\" and mark == '"' else 1
    return -1


def _entry_for(key: str, value: str) -> Entry:
    return Entry(f"{key}={quote(value)}\n", key, value)


def _update(entry: Entry, value: str, change: Change) -> list[Entry]:
    if entry.value == value:
        return [entry]
    written = _entry_for(str(entry.key), value)
    change.modified.append(str(entry.key))
    if not entry.comment:
        return [written]
    # A blank keeps a last backslash from joining the next line to the comment, as systemd does before version 254.
    return [Entry(entry.comment + (" \n" if entry.comment.endswith("\\") else "\n")), written]


def _check(values: Mapping[str, str], absent: Sequence[str]) -> None:
    problems = []
    for key, value in values.items():
        reason = check_key(key)
        if reason:
            problems.append(f"the key {key!r} {reason}")
        reason = refusal(value)
        if reason:
            problems.append(f"the value of {key} {reason}")
        if key in absent:
            problems.append(f"{key} is asked to be both present and absent")
    if problems:
        raise DotenvError("; ".join(problems))


def _check_text(text: str) -> None:
    """Refuse a file that python-dotenv cannot decode at all, or that the others cut off at a NUL."""
    for number, line in enumerate(text.split("\n"), 1):
        if NO_TEXT.search(line):
            raise DotenvError(
                f"line {number} of the file holds bytes that are no UTF-8 text, at which readers fail or stop: correct "
                "that line, or move the file away if it is no .env file, and run again"
            )


def _check_reachable(entries: Sequence[Entry], values: Mapping[str, str]) -> None:
    """Refuse to write below a line with which some reader swallows the lines that follow."""
    line = 1
    hazard: tuple[int, str] | None = None
    for entry in entries:
        if hazard and entry.key in values:
            raise DotenvError(
                f"line {hazard[0]} of the file {hazard[1]}, so that some readers would take the lines after it, "
                f"{entry.key} among them, for a part of it: correct that line (put its value in quotes) and run again"
            )
        if entry.hazard and not hazard:
            hazard = (line, entry.hazard)
        line += entry.text.count("\n")


def _looks_secret(key: str, value: str) -> bool:
    return bool(SECRET_KEY.search(key) or URL_WITH_PASSWORD.search(value))


def _mask(entries: Sequence[Entry], visible: set[str], modified: set[str]) -> str:
    lines = []
    for entry in entries:
        if entry.key is None:
            lines.append(entry.text if entry.text.lstrip()[:1] in ("", "#") else f"{MASK}\n")
        elif entry.key in visible and not URL_WITH_PASSWORD.search(entry.text):
            lines.append(entry.text)
        else:
            lines.append(f"{entry.key}={MASK}{' (new value)' if entry.key in modified else ''}\n")
    return "".join(lines)
