# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of the services, read from the environment and an optional ``.env`` file.

Every key is described in the table of ``examples/storefront/README.md``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Self

from dotenv import load_dotenv
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError
from pydantic_core import ErrorDetails

QueueUrl = Annotated[str, StringConstraints(pattern=r"^https?://[^\s]+$", max_length=512)]
FifoQueueUrl = Annotated[str, StringConstraints(pattern=r"^https?://[^\s]+\.fifo$", max_length=512)]

# Python knows more levels; these are the ones that uvicorn knows as well.
LogLevel = Annotated[
    str, BeforeValidator(str.lower), StringConstraints(pattern=r"^(debug|info|warning|error|critical)$")
]

_SHOWN_IN_ERRORS = frozenset(
    {"HOST", "PORT", "LOG_LEVEL", "SMTP_PORT", "SMTP_SECURITY", "SMTP_TIMEOUT", "SMS_TIMEOUT", "OUTBOX_INTERVAL"}
)


class SettingsError(ValueError):
    """A setting is missing or wrong; the text names each one, its value unless it may be secret, and the remedy."""


class ServiceSettings(BaseModel):
    """What every service of the storefront reads: where it listens, where it stores, how much it logs."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    host: str = "127.0.0.1"
    port: int = Field(ge=1, le=65535)
    database_url: str = Field(min_length=1)
    aws_region: str = Field(default="ap-southeast-1", min_length=1)
    outbox_interval: float = Field(default=0.2, gt=0, le=60)
    log_level: LogLevel = "info"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Read the settings from environment variables named as the fields, in capitals; empty ones count as unset.

        :raises SettingsError: naming every variable that is missing or wrong, all at once.
        """
        environment = os.environ if environment is None else environment
        names = {name: name.upper() for name in cls.model_fields}
        given = {name: environment[key] for name, key in names.items() if environment.get(key)}
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            raise SettingsError("\n".join(_explain(problem, given) for problem in error.errors())) from None


def _explain(problem: ErrorDetails, given: Mapping[str, str]) -> str:
    text = problem["msg"].removeprefix("Value error, ")
    if not problem["loc"]:
        return text
    name = str(problem["loc"][0])
    key = name.upper()
    if problem["type"] == "missing":
        return f"{key} is not set: add it to the service's .env file"
    shown = f"{key}={given[name]}" if key in _SHOWN_IN_ERRORS and name in given else key
    return f"{shown}: {text}; correct it in the service's .env file"


def load_env_file(path: Path | None) -> None:
    """Add a ``.env`` file's variables to the environment; they win over those that are set.

    A process manager keeps stale variables, and what the file says is what was deployed; the worker does the same.

    :param path: the file, or None for ``.env`` in the working directory if there is one.
    :raises SettingsError: the named file cannot be read.
    """
    chosen = path or Path(".env")
    if path is None and not chosen.exists():
        return
    try:
        with chosen.open(encoding="utf-8") as stream:
            # The four readers of a .env file disagree about $, so none may give it a meaning.
            load_dotenv(stream=stream, override=True, interpolate=False)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{chosen}: cannot be read: {error}") from error
