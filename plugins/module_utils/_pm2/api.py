# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Talk to PM2: through its command for everything that changes something, and without starting its daemon to look."""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from .._host import log_end, programs
from .plan import UP, Pm2Error, definition, is_stopping, parse_list, stop_timeout

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

# sun_path of a Unix socket is 108 bytes with its end (unix(7)); PM2 cuts a longer one off without a word.
SOCKET_PATH_LIMIT = 107
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
COMMAND_NOT_FOUND = 127
# PM2 takes the first piece of its standard input for all of it; Node.js reads files in pieces of 64 KiB.
DEFINITION_LIMIT = 65536  # bytes


class UnknownUserError(Pm2Error):
    """The user whose processes are meant does not exist (yet)."""


class Pm2:
    """PM2 under one home, of one user."""

    def __init__(
        self, home: str, executable: str, path: Sequence[str] = (), user: str | None = None, timeout: float = 120
    ) -> None:
        """Check that ``home`` can be used; nothing is started or written yet.

        ``path`` lists the folders in which PM2 and its processes look for programs before the system's. ``user`` owns
        the processes, by default the user of this process; ``timeout`` is in seconds. Raises Pm2Error, and its
        subclass UnknownUserError.
        """
        self.home = Path(home)
        self.search_path = search_path(path)
        self.executable = self.which(executable)
        self.wanted_executable = executable
        self.account = _account(user)
        self.timeout = timeout
        self._check_home()

    def _check_home(self) -> None:
        if not self.home.is_absolute():
            raise Pm2Error(f"home: {self.home} is not an absolute path")
        length = len(os.fsencode(self.home / "rpc.sock"))
        if length > SOCKET_PATH_LIMIT:
            raise Pm2Error(
                f"home: {self.home} is too long: PM2's socket {self.home / 'rpc.sock'} would have {length} bytes and a "
                f"Unix socket's path has at most {SOCKET_PATH_LIMIT}. Choose a shorter home, such as /opt/pm2."
            )
        if self.home.exists() and self.home.stat().st_uid != self.account.pw_uid:
            raise Pm2Error(
                f"home: {self.home} belongs to {_user_name(self.home.stat().st_uid)}, and {self.account.pw_name} is "
                "asked for: name the owner in user, or PM2 starts a second daemon there"
            )

    @property
    def is_up(self) -> bool:
        """Whether the daemon of this home answers."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5)
            try:
                connection.connect(str(self.home / "rpc.sock"))
            except OSError:
                return False
        return True

    def which(self, program: str) -> str | None:
        """Return the path of a program, looked for where PM2 and its processes look. None when there is none."""
        return shutil.which(program, path=self.search_path)

    def processes(self) -> list[dict[str, Any]]:
        """Return the entries of ``pm2 jlist``; none when the daemon is down. Raises Pm2Error."""
        return parse_list(self.run("jlist")) if self.is_up else []

    def settled_processes(self, names: Collection[str]) -> list[dict[str, Any]]:
        """Return the entries of ``pm2 jlist`` once none of the apps ``names`` is about to end.

        A worker takes its time for the messages in hand, and what is decided meanwhile is wrong in the end. Raises
        Pm2Error, also when they take longer than their ``kill_timeout`` allows.
        """
        processes = self.processes()
        ends = time.monotonic() + stop_timeout(processes, names)
        while is_stopping(processes, names):
            if time.monotonic() > ends:
                raise Pm2Error(
                    f"{', '.join(sorted(names))}: still stopping after kill_timeout; see pm2 list and its log"
                )
            time.sleep(1)
            processes = self.processes()
        return processes

    def saved(self) -> list[dict[str, Any]]:
        """Return the entries of the dump from which PM2 resurrects, none without one."""
        try:
            found = json.loads((self.home / "dump.pm2").read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            # A torn dump resurrects nothing; saving anew mends it.
            return []
        return found if isinstance(found, list) else []

    def start(self, app: Mapping[str, Any]) -> None:
        """Start one app from its definition. Raises Pm2Error."""
        text = json.dumps({"apps": [definition(app)]}).encode()
        if len(text) > DEFINITION_LIMIT:
            raise Pm2Error(
                f"{app['name']}: its arguments and environment take {len(text)} bytes, and PM2 reads at most "
                f"{DEFINITION_LIMIT}: put what is long into a file"
            )
        # A file without a name: a killed run would leave another one, with the environment of the app in it.
        with tempfile.TemporaryFile() as stream:
            stream.write(text)
            stream.seek(0)
            self.run("start", "-", standard_input=stream)

    def save(self) -> None:
        """Write the running list to the dump, an empty one too. Raises Pm2Error."""
        self.run("save", "--force")

    def settle(self, restarts_allowed: Mapping[str, int], seconds: float) -> None:
        """Wait, then raise Pm2Error with the end of its log for an app that is down or was restarted more often."""
        if not restarts_allowed:
            return
        time.sleep(seconds)
        for process in self.processes():
            entry = process["pm2_env"]
            allowed = restarts_allowed.get(process["name"])
            if allowed is None or (entry.get("status") in UP and entry.get("restart_time", 0) <= allowed):
                continue
            # What a program says of its end may go to either.
            logs = log_end.of_files(filter(None, [entry.get("pm_err_log_path"), entry.get("pm_out_log_path")]))
            raise Pm2Error(
                f"{process['name']} does not stay up: {seconds:g} s after its start it is {entry.get('status')}, "
                f"restarted {entry.get('restart_time', 0) - allowed} times. The end of its logs:\n{logs}"
            )

    def run(self, *arguments: str, standard_input: int | IO[bytes] = subprocess.DEVNULL, timeout: float = 0) -> str:
        """Run ``pm2`` and return its standard output. Raises Pm2Error when it does not succeed.

        It may take ``timeout`` seconds, or those that any call may take where these are more.
        """
        if not self.executable:
            raise Pm2Error(f"there is no program {self.wanted_executable} in {self.search_path}: install PM2 first")
        command = [self.executable, *arguments]
        try:
            return programs.run(
                command,
                timeout=max(timeout, self.timeout),
                env=self._environment(),
                cwd="/",
                umask=0o077,
                **self._identity(),
                stdin=standard_input,
            )
        except programs.ProgramError as error:
            if error.code != COMMAND_NOT_FOUND:
                raise Pm2Error(str(error)) from None
            raise Pm2Error(error.with_remedy(no_node_remedy(self.search_path))) from None

    def _identity(self) -> dict[str, Any]:
        """The user to run as, which only root can choose."""
        account = self.account
        if account.pw_uid == os.geteuid():
            return {}
        groups = os.getgrouplist(account.pw_name, account.pw_gid)
        return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": groups}

    def _environment(self) -> dict[str, str]:
        """Only what PM2 needs: it hands its caller's environment on to every process, secrets included."""
        return {
            "HOME": self.account.pw_dir,
            "USER": self.account.pw_name,
            "LOGNAME": self.account.pw_name,
            "LANG": "C.UTF-8",
            "PATH": self.search_path,
            "PM2_HOME": str(self.home),
            "PM2_DISCRETE_MODE": "true",
            # PM2's own choice is SIGINT. This is what systemd and containers send, and what workers wait for.
            "PM2_KILL_SIGNAL": "SIGTERM",
        }


def search_path(path: Sequence[str]) -> str:
    """Return the PATH in which PM2 and its processes look for programs: these folders, then the system's."""
    return os.pathsep.join([*path, SYSTEM_PATH])


def no_node_remedy(searched: str) -> str:
    """Return the way out where PM2 finds no Node.js in the PATH ``searched``."""
    return f"install Node.js, or put the folder of node into path; searched were {searched}"


def _account(user: str | None) -> pwd.struct_passwd:
    if user is None:
        return pwd.getpwuid(os.geteuid())
    try:
        account = pwd.getpwnam(user)
    except KeyError:
        raise UnknownUserError(f"user: there is no user {user} on this host") from None
    if os.geteuid() not in (0, account.pw_uid):
        raise Pm2Error(
            f"user: this task runs as {_user_name(os.geteuid())} and cannot start processes of {user}: run it as root "
            f"or as {user} (become)"
        )
    return account


def _user_name(uid: int) -> str:
    with contextlib.suppress(KeyError):
        return pwd.getpwuid(uid).pw_name
    return str(uid)
