# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role account refreshes the lists of packages when they are why a package cannot be installed, and only then."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from checkout import ROOT

PLAYBOOK = """
- name: The role account
  hosts: localhost
  gather_facts: false
  tasks:
    - name: User, folder and packages
      ansible.builtin.include_role:
        name: ecommerce.sqs.account
"""
# Fails the first time, with the message it is given.
PACKAGES = """
import os
from pathlib import Path
from ansible.module_utils.basic import AnsibleModule
module = AnsibleModule({"name": {"type": "list"}, "state": {}}, supports_check_mode=True)
calls = Path(os.environ["CALLS"])
with calls.open("a") as stream:
    stream.write("call\\n")
if calls.read_text() == "call\\n":
    module.fail_json(msg=os.environ["COMPLAINT"])
module.exit_json(changed=True)
"""
# As much of python3-apt as the module apt needs for the lists in check mode.
APT = """
class Cache:
    def open(self, progress=None):
        pass
class cache:
    FetchFailedException = LockFailedException = OSError
"""
FETCH = "'/usr/bin/apt-get -y install 'python3-venv=3.11.2-1'' failed: E: "
PACKAGE = "http://deb.debian.org/debian/pool/main/p/python3-defaults/python3-venv_3.11.2-1_amd64.deb"


def install(folder: Path, complaint: str) -> tuple[int, str, int]:
    """Run the role in check mode; return its exit code, what it printed, and how often it installed packages."""
    for name, text in {
        "play.yml": PLAYBOOK,
        "library/fake_packages.py": PACKAGES,
        "python/apt/__init__.py": APT,
        "python/apt/debfile.py": "",
        "python/apt_pkg.py": "",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    calls = folder / "calls"
    done = subprocess.run(
        ["ansible-playbook", str(folder / "play.yml"), "-i", "localhost,", "-c", "local", "--check",
         "-e", f"ansible_python_interpreter={sys.executable} account_root={folder}/root",
         "-e", "account_package_manager=ansible.legacy.fake_packages"],
        cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=900, check=False,
        env={**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_LIBRARY": str(folder / "library"),
             "PYTHONPATH": str(folder / "python"), "CALLS": str(calls), "COMPLAINT": complaint},
    )  # fmt: skip
    output = done.stdout + done.stderr
    print(output)
    return done.returncode, output, len(calls.read_text(encoding="utf-8").splitlines())


@pytest.mark.parametrize(
    "complaint",
    [
        "No package matching 'python3-venv' is available",
        "No package(s) matching 'python3-venv=3.11*' available",
        f"{FETCH}Failed to fetch {PACKAGE}  404  Not Found [IP: 192.0.2.1 80]",
        f"{FETCH}Unable to fetch some archives, maybe run apt-get update or try with --fix-missing?",
    ],
)
def test_old_lists_are_refreshed(tmp_path: Path, complaint: str) -> None:
    code, output, calls = install(tmp_path, complaint)
    assert code == 0, output
    assert "TASK [ecommerce.sqs.account : Refresh the lists of packages]" in output
    assert calls == 2


def test_another_complaint_is_told_at_once(tmp_path: Path) -> None:
    code, output, calls = install(tmp_path, f"{FETCH}Could not get lock /var/lib/dpkg/lock-frontend.")
    assert code != 0
    assert "python3-venv cannot be installed: " in output
    assert "Could not get lock" in output
    assert calls == 1
