# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.ecommerce.sqs.plugins.module_utils._host.errors import HostError
from ansible_collections.ecommerce.sqs.plugins.module_utils._systemd import api
from ansible_collections.ecommerce.sqs.plugins.module_utils._systemd.plan import SystemdError
from ansible_collections.ecommerce.sqs.plugins.module_utils._systemd.reconcile import reconcile

# Stands for systemctl: notes each call that changes something, and keeps what is active and enabled as files. An active
# unit's main process is this very test, whose environment has a stamp or none.
PROGRAM = """#!/bin/sh
state={state}; verb=$2; shift 2
case "$verb" in
show) shift
  for unit; do
    active=inactive enabled=disabled pid=0
    [ -e $state/active/$unit ] && active=active pid={pid}
    [ -e $state/enabled/$unit ] && enabled=enabled
    [ -e $state/broken/$unit ] && active=failed
    printf '%s=%s\\n' Id $unit ActiveState $active UnitFileState $enabled NeedDaemonReload no MainPID $pid \\
      NRestarts 0 Result exit-code
    echo
  done; exit ;;
list-units) for unit in $state/active/*@*; do [ -e $unit ] && echo "${{unit##*/}} loaded"; done; exit 0 ;;
enable) for unit; do touch $state/enabled/$unit; done ;;
start|restart) for unit; do touch $state/active/$unit; done ;;
disable) shift; for unit; do rm -f $state/active/$unit $state/enabled/$unit; done; set -- --now "$@" ;;
esac
echo $verb "$@" >> $state/calls
"""
UNIT = {"name": "pay.service", "content": "[Service]\nExecStart=/bin/true\n", "revision": "r1"}
UNIT_DEFAULTS = {"instances": 1, "restart": False}


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the systemd of this host keeps: folders with a file a unit, and the calls that it was given."""
    state, programs, units = tmp_path / "state", tmp_path / "bin", tmp_path / "units"
    for folder in (state / "active", state / "enabled", state / "broken", programs, units):
        folder.mkdir(parents=True)
    for name, text in {
        "systemctl": PROGRAM.format(state=state, pid=os.getpid()),
        "journalctl": "#!/bin/sh\necho KeyError: ORDER_QUEUE_URL\n",
    }.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    monkeypatch.setattr(api, "FOLDER", units)
    return state


def asked(*units: dict[str, Any], absent: tuple[str, ...] = (), check_mode: bool = False) -> dict[str, Any]:
    wanted = [{**UNIT_DEFAULTS, **unit} for unit in units]
    params = {"units": wanted, "absent": list(absent), "settle": 0, "stop_timeout": 60}
    return reconcile(params, check_mode=check_mode)


def calls(state: Path) -> list[str]:
    return (state / "calls").read_text().splitlines() if (state / "calls").exists() else []


def test_a_unit_is_written_started_and_then_left_alone(state: Path) -> None:
    first = asked(UNIT)
    assert first["steps"] == ["write pay.service", "reload", "enable pay.service", "start pay.service"]
    assert "ExecStart=/bin/true" in (api.FOLDER / "pay.service").read_text()
    assert calls(state) == ["daemon-reload", "enable pay.service", "reset-failed pay.service", "start pay.service"]
    (shown,) = first["diff"]
    assert (shown["before"], shown["after"]) == ("", (api.FOLDER / "pay.service").read_text())
    second = asked(UNIT)
    assert (second["changed"], second["steps"], second["diff"]) == (False, [], [])
    assert len(calls(state)) == 4


def test_check_mode_says_the_steps_and_takes_none(state: Path) -> None:
    assert asked(UNIT, check_mode=True)["changed"]
    assert calls(state) == []
    assert list(api.FOLDER.iterdir()) == []


def test_what_is_not_wanted_any_more_is_stopped_and_erased(state: Path) -> None:
    asked({**UNIT, "name": "pay@.service", "instances": 2})
    asked({**UNIT, "name": "old.service"})
    result = asked(UNIT, absent=("pay@.service", "old.service", "never.service"))
    assert "erase pay@.service" in result["steps"]
    assert [path.name for path in api.FOLDER.iterdir()] == ["pay.service"]
    assert [path.name for path in (state / "active").iterdir()] == ["pay.service"]


def test_a_unit_that_does_not_stay_up_fails_with_its_journal(state: Path) -> None:
    (state / "broken" / "pay.service").touch()
    with pytest.raises(SystemdError, match=r"pay.service does not stay up: .*\n.*\n?KeyError: ORDER_QUEUE_URL"):
        asked(UNIT)


@pytest.mark.parametrize("name", ["pay", "pay.timer", "../pay.service"])
def test_a_name_that_is_no_units_is_refused_before_anything_is_asked(state: Path, name: str) -> None:
    with pytest.raises(SystemdError, match=rf"^units: {name}: a name ends in .service"):
        asked(UNIT, absent=(name,))
    assert calls(state) == []


@pytest.mark.usefixtures("state")
def test_a_folder_that_cannot_be_written_is_named_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "FOLDER", Path("/proc/units"))
    with pytest.raises(HostError, match=r"^/proc/.*Writing units needs root"):
        asked(UNIT)


def test_a_host_without_systemd_is_told_what_to_choose(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(state))
    with pytest.raises(SystemdError, match="choose pm2 instead"):
        asked(UNIT)
