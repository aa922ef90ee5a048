# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare systemd's units with the wanted ones and plan what brings the first to the second. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .._host.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

REVISION = "UNIT_REVISION"


class SystemdError(HostError):
    """systemd cannot be asked or a unit does not do what it should; the message says which, and shows its log."""


@dataclass(frozen=True)
class Wanted:
    """A unit file: its name (``pay.service`` or ``pay@.service``), its text, and what it is started from.

    ``instances`` is the number of processes of a template unit; a plain unit has one. Without ``restart`` a running
    unit keeps its process when file or revision change.
    """

    name: str
    content: str
    revision: str = ""
    instances: int = 1
    restart: bool = True

    @property
    def is_template(self) -> bool:
        return self.name.endswith("@.service")

    @property
    def runs(self) -> list[str]:
        """The units to run."""
        if not self.is_template:
            return [self.name]
        return [self.name.replace("@.", f"@{number}.") for number in range(1, self.instances + 1)]

    @property
    def stamp(self) -> str:
        """Stands for the file and what the process is started from; it is put into the environment of the process."""
        return hashlib.sha256(f"{self.revision}\0{self.content}".encode()).hexdigest()[:16]

    @property
    def text(self) -> str:
        """The unit file with the stamp in it."""
        return f"{self.content.rstrip()}\n\n[Service]\nEnvironment={REVISION}={self.stamp}\n"


@dataclass(frozen=True)
class Actual:
    """What systemd says of a unit; ``stamp`` is the one in the environment of its main process."""

    active: str = "inactive"
    enabled: bool = False
    needs_reload: bool = False
    stamp: str | None = None


@dataclass
class Plan:
    """Unit files to write (name to text), and units to enable, start, restart, and take away, and
    unit files to erase after that."""

    write: dict[str, str] = field(default_factory=dict)
    reload: bool = False
    enable: list[str] = field(default_factory=list)
    start: list[str] = field(default_factory=list)
    restart: list[str] = field(default_factory=list)
    remove: list[str] = field(default_factory=list)
    erase: list[str] = field(default_factory=list)

    @property
    def steps(self) -> list[str]:
        """The steps in words, in their order."""
        steps = [f"write {name}" for name in self.write]
        steps += ["reload"] if self.reload else []
        steps += [f"stop and disable {name}" for name in self.remove]
        steps += [f"erase {name}" for name in self.erase]
        steps += [f"enable {name}" for name in self.enable]
        return steps + [f"start {name}" for name in self.start] + [f"restart {name}" for name in self.restart]


def check_names(names: Sequence[str]) -> None:
    """Raise SystemdError naming those that are no names of unit files of services."""
    wrong = [name for name in names if not name.endswith(".service") or "/" in name]
    if wrong:
        raise SystemdError(f"units: {', '.join(wrong)}: a name ends in .service and has no folder in it")


def make_plan(
    wanted: Sequence[Wanted],
    files: Mapping[str, str | None],
    actual: Mapping[str, Actual],
    unwanted: Mapping[str, Sequence[str]] | None = None,
) -> Plan:
    """Plan the steps to ``wanted``, from the texts of the unit ``files`` and the ``actual`` units by name.

    ``actual`` holds instances of a template beyond the wanted number too: these are taken away. ``unwanted`` are unit
    files that are there and should not be, each with its units.
    """
    plan = Plan(erase=list(unwanted or {}), remove=[name for names in (unwanted or {}).values() for name in names])
    for unit in wanted:
        if files.get(unit.name) != unit.text:
            plan.write[unit.name] = unit.text
        for name in unit.runs:
            found = actual.get(name, Actual())
            plan.reload = plan.reload or found.needs_reload
            if not found.enabled:
                plan.enable.append(name)
            if found.active in ("active", "activating", "reloading"):
                if unit.restart and found.stamp != unit.stamp:
                    plan.restart.append(name)
            else:
                plan.start.append(name)
        if unit.is_template:
            prefix = unit.name.partition("@")[0] + "@"
            plan.remove += sorted(name for name in actual if name.startswith(prefix) and name not in unit.runs)
    plan.reload = plan.reload or bool(plan.write)
    return plan
