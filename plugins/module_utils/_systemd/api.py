# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Talk to systemd through ``systemctl``."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

from .._host import log_end, programs
from .._host.private_file import read, replace, sweep
from .plan import REVISION, Actual, SystemdError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .plan import Plan, Wanted

FOLDER = Path("/etc/systemd/system")
PROPERTIES = "Id,ActiveState,UnitFileState,NeedDaemonReload,MainPID,NRestarts,Result"


def run(*arguments: str, timeout: float) -> str:
    """Run ``systemctl`` and return its output. Raises SystemdError."""
    if not shutil.which("systemctl"):
        raise SystemdError("there is no systemctl: this host does not run systemd, choose pm2 instead")
    try:
        return programs.run(["systemctl", "--no-pager", *arguments], timeout=timeout)
    except programs.ProgramError as error:
        raise SystemdError(str(error)) from None


def show(names: Sequence[str]) -> dict[str, dict[str, str]]:
    """Return the properties of units by name. Raises SystemdError."""
    if not names:
        return {}
    found = {}
    for block in run("show", f"--property={PROPERTIES}", *names, timeout=30).strip().split("\n\n"):
        properties = dict(line.partition("=")[::2] for line in block.splitlines())
        found[properties["Id"]] = properties
    return found


def look(wanted: Sequence[Wanted]) -> tuple[dict[str, str | None], dict[str, Actual]]:
    """Return the texts of the unit files, and the actual units, superfluous instances included. Raises SystemdError."""
    files = {unit.name: read(str(FOLDER / unit.name)) for unit in wanted}
    names = {name for unit in wanted for name in unit.runs}
    for unit in wanted:
        if unit.is_template:
            names.update(_instances(unit.name))
    return files, {name: _actual(properties) for name, properties in show(sorted(names)).items()}


def look_for(unwanted: Sequence[str]) -> dict[str, list[str]]:
    """Return those of the unit files that are there, each with its units. Raises SystemdError."""
    return {name: _instances(name) if "@." in name else [name] for name in unwanted if (FOLDER / name).exists()}


def _instances(template: str) -> list[str]:
    listed = run("list-units", "--all", "--plain", "--no-legend", template.replace("@.", "@*."), timeout=30)
    return [line.split()[0] for line in listed.splitlines() if line.strip()]


def carry_out(plan: Plan, stop_timeout: float) -> None:
    """Take the steps of ``plan``; the longest stop may take ``stop_timeout`` seconds. Raises SystemdError."""
    for name, text in plan.write.items():
        sweep(str(FOLDER / name))
        replace(str(FOLDER / name), text, 0o644)
    if plan.reload:
        run("daemon-reload", timeout=60)
    if plan.remove:
        run("disable", "--now", *plan.remove, timeout=stop_timeout)
    for name in plan.erase:
        (FOLDER / name).unlink(missing_ok=True)
    if plan.erase:
        run("daemon-reload", timeout=60)
    if plan.enable:
        run("enable", *plan.enable, timeout=60)
    # A unit that gave up is not started again before its failures are forgotten.
    if plan.start:
        run("reset-failed", *plan.start, timeout=30)
    for verb, names in (("start", plan.start), ("restart", plan.restart)):
        if names:
            try:
                run(verb, *names, timeout=stop_timeout)
            except SystemdError as error:
                raise SystemdError(f"{error}\n{_journal(names)}") from None


def settle(names: Sequence[str], seconds: float) -> None:
    """Wait, then raise SystemdError with the end of its journal for a unit that is down or was restarted."""
    if not names:
        return
    before = show(names)
    time.sleep(seconds)
    for name, now in show(names).items():
        if now["ActiveState"] != "active" or now["NRestarts"] != before[name]["NRestarts"]:
            raise SystemdError(
                f"{name} does not stay up: {seconds:g} s after its start it is {now['ActiveState']} ({now['Result']})\n"
                f"{_journal([name])}"
            )


def _actual(properties: dict[str, str]) -> Actual:
    return Actual(
        active=properties["ActiveState"],
        enabled=properties["UnitFileState"] == "enabled",
        needs_reload=properties["NeedDaemonReload"] == "yes",
        stamp=_stamp(properties["MainPID"]),
    )


def _stamp(pid: str) -> str | None:
    try:
        environment = Path(f"/proc/{pid}/environ").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    values = dict(entry.partition("=")[::2] for entry in environment.split("\0"))
    return values.get(REVISION)


def _journal(names: Sequence[str]) -> str:
    return f"The end of the journal of {', '.join(names)}:\n{log_end.of_units(names)}"
