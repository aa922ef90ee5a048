# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why work is refused: every fault of an input, each with its path, so that one run reports all of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

_SHOWN_CHARACTERS = 80


class InvalidInputError(ValueError):
    """An input was refused.

    ``errors`` holds one ``path: reason`` string for each fault; ``str()`` is a message of all of them.
    """

    def __init__(self, subject: str, errors: list[str]) -> None:
        self.subject = subject
        self.errors = errors
        count = "1 error" if len(errors) == 1 else f"{len(errors)} errors"
        super().__init__(f"{subject} has {count}:\n" + "\n".join(f"  {error}" for error in errors))


class RefusedError(Exception):
    """The work was not done, or not to its end; the message says why and gives the way out.

    ``details`` are what the result of a failed module says besides the message.
    """

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.details = details


class Problems:
    """The faults found so far."""

    def __init__(self) -> None:
        self.errors: list[str] = []

    def add(self, path: str, reason: str) -> None:
        self.errors.append(f"{path}: {reason}" if path else reason)

    def raise_if_any(self, subject: str) -> None:
        """Raise InvalidInputError when a fault was added."""
        if self.errors:
            raise InvalidInputError(subject, self.errors)


def show(value: object) -> str:
    """Return a short, one-line form of a value for a message."""
    text = repr(value) if isinstance(value, (str, bytes)) else str(value)
    text = " ".join(text.split())
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 3] + "..."


def join(path: str, key: object) -> str:
    """Return the path of ``key`` below ``path``."""
    text = key if isinstance(key, str) and key.isprintable() else show(key)
    return f"{path}.{text}" if path else str(text)


def as_integer(value: object) -> int | None:
    """Return an integer given as one, or as the decimal string that a template makes of it; else None."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return int(value)
    if isinstance(value, str):
        digits = value.strip()
        sign, digits = (-1, digits[1:]) if digits.startswith("-") else (1, digits)
        if digits.isascii() and digits.isdigit() and len(digits) <= 18:
            return sign * int(digits)
    return None


def as_number(value: object) -> float | None:
    """Return a finite number given as one, or as the text that a template makes of it; else None."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def as_boolean(value: object) -> bool | None:
    """Return a boolean given as one, or as the word that a template makes of it; else None."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return {"true": True, "yes": True, "false": False, "no": False}.get(value.strip().lower())
    return None


def read_mapping(value: object, path: str, problems: Problems) -> Mapping[str, Any]:
    """Return ``value`` when it is a mapping with string keys, else add a fault and return an empty one."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        problems.add(path, f"{show(value)} is not a mapping")
        return {}
    for key in value:
        if not isinstance(key, str):
            problems.add(join(path, key), "the key is not a string; quote it")
    return {key: value[key] for key in value if isinstance(key, str)}


def refuse_unknown_keys(value: Mapping[str, Any], known: set[str], path: str, problems: Problems) -> None:
    for key in value:
        if key not in known:
            close = get_close_matches(key, known, n=1)
            hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(sorted(known))}"
            problems.add(join(path, key), f"unknown key; {hint}")


def read_boolean(value: object, path: str, problems: Problems, *, default: bool) -> bool:
    if value is None:
        return default
    boolean = as_boolean(value)
    if boolean is None:
        problems.add(path, f"{show(value)} is not a boolean")
        return default
    return boolean


def read_integer(
    value: object, path: str, problems: Problems, *, default: int, minimum: int, maximum: int, unit: str = ""
) -> int:
    """Return an integer within ``minimum..maximum``; add a fault and return ``default`` otherwise."""
    if value is None:
        return default
    integer = bounded_integer(value, path, problems, minimum=minimum, maximum=maximum, unit=unit)
    return default if integer is None else integer


def bounded_integer(
    value: object, path: str, problems: Problems, *, minimum: int, maximum: int, unit: str = ""
) -> int | None:
    """Return an integer within ``minimum..maximum``; add a fault and return None otherwise."""
    integer = as_integer(value)
    suffix = f" {unit}" if unit else ""
    if integer is None:
        problems.add(path, f"{show(value)} is not an integer")
    elif integer < minimum:
        problems.add(path, f"{integer} is below {minimum}{suffix}")
    elif integer > maximum:
        problems.add(path, f"{integer} is above {maximum}{suffix}")
    else:
        return integer
    return None
