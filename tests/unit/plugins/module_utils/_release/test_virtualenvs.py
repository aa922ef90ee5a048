# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.ecommerce.sqs.plugins.module_utils._release.releases import ReleaseError, Releases
from ansible_collections.ecommerce.sqs.plugins.module_utils._release.virtualenvs import Virtualenv
from ansible_collections.ecommerce.sqs.tests.unit.support.releases import deploy

COPY = """#!/bin/sh
[ "$1 $2 $#" = "-m venv 3" ] || exec {python} "$@"
cp -a {made} "$3"
for file in "$3"/pyvenv.cfg "$3"/bin/*; do [ -L "$file" ] || sed -i "s|{made}|$3|g" "$file"; done
"""


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment without packages of its own."""
    folder = tmp_path_factory.mktemp("python")
    Virtualenv(python=sys.executable).install_requirements(folder / "venv", folder)
    return folder / "venv"


@pytest.fixture(scope="session")
def python(made: Path) -> str:
    """A Python that makes each environment as a copy of the one that was made: making one anew takes seconds."""
    program = made.parent / "python"
    program.write_text(COPY.format(python=sys.executable, made=made))
    program.chmod(0o755)
    return str(program)


def test_environment_has_the_python_asked_for_and_a_pip(made: Path) -> None:
    code = "import os, sys; print(os.path.realpath(sys.executable), sys.prefix)"
    assert output(made / "bin" / "python", "-c", code).split() == [os.path.realpath(sys.executable), str(made)]
    assert f"from {made}/" in output(made / "bin" / "python", "-m", "pip", "--version")


def test_environment_without_its_last_mark_is_built_anew(source: Path, tmp_path: Path, python: str) -> None:
    root = tmp_path / "root"
    environment = Virtualenv(python=python)
    plan = deploy(root, source, environment)
    venv = root / "venvs" / str(plan.environment)
    assert (root / "venv" / "bin" / "python").exists()
    (venv / ".complete").unlink()
    (venv / "half").write_text("x")
    again = deploy(root, source, environment)
    assert again.steps == [f"build virtual environment {plan.environment}"]
    assert not (venv / "half").exists()
    assert (venv / ".complete").exists()


# Builds itself without anything to download.
PROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""
BACKEND = """
import zipfile

def build_wheel(directory, config_settings=None, metadata_directory=None):
    with zipfile.ZipFile(f"{directory}/shop-1.0-py3-none-any.whl", "w") as wheel:
        wheel.write("shop.py")
        for name, text in {
            "METADATA": "Metadata-Version: 2.1\\nName: shop\\nVersion: 1.0\\n",
            "WHEEL": "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
            "entry_points.txt": "[console_scripts]\\nshop = shop:main\\n",
            "RECORD": "",
        }.items():
            wheel.writestr(f"shop-1.0.dist-info/{name}", text)
    return "shop-1.0-py3-none-any.whl"
"""


@pytest.fixture
def project(source: Path, python: str) -> Virtualenv:
    """The environment of a source that is a Python project, with a requirement file."""
    (source / "requirements.txt").write_text("# nothing\n")
    (source / "pyproject.toml").write_text(PROJECT)
    (source / "backend.py").write_text(BACKEND)
    return Virtualenv(python=python, requirements=["app/requirements.txt"], packages=["app"])


@pytest.fixture
def requirements(project: Virtualenv) -> Virtualenv:
    """The same environment without the project."""
    return replace(project, packages=[])


def deploy_project(root: Path, source: Path, project: Virtualenv, says: str, *, keep: int = 5) -> Path:
    """Deploy a release whose program says this; return its virtual environment."""
    (source / "shop.py").write_text(f"def main():\n    print({says!r})\n")
    return root / "venvs" / str(deploy(root, source, project, keep=keep).environment)


def output(*command: str | Path) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def shared_file(venv: Path) -> Path:
    return next(venv.glob("lib/*/site-packages/pip/__init__.py"))


def test_releases_with_the_same_requirements_share_what_these_install(
    source: Path, tmp_path: Path, project: Virtualenv
) -> None:
    root = tmp_path / "root"
    first = deploy_project(root, source, project, "one")
    second = deploy_project(root, source, project, "two")
    assert [output(venv / "bin" / "shop") for venv in (first, second)] == ["one\n", "two\n"]
    assert shared_file(first).samefile(shared_file(second))
    (source / "requirements.txt").write_text("# another\n")
    third = deploy_project(root, source, project, "two")
    assert not shared_file(second).samefile(shared_file(third))


def test_uv_installs_in_the_place_of_pip(source: Path, tmp_path: Path, project: Virtualenv) -> None:
    uv = shutil.which("uv")
    assert uv
    by_uv = replace(project, uv=[uv])
    venvs = [deploy_project(tmp_path / "root", source, by_uv, says) for says in ("one", "two")]
    assert [output(venv / "bin" / "shop") for venv in venvs] == ["one\n", "two\n"]
    assert not [venv for venv in venvs if (venv / "bin/pip").exists()]
    installed = [path for venv in venvs for path in venv.rglob("*") if not path.is_symlink()]
    assert not [path for path in installed if path.stat().st_mode & 0o022]


def test_programs_of_what_is_shared_run_in_the_releases_environment(
    source: Path, tmp_path: Path, project: Virtualenv
) -> None:
    venv = deploy_project(tmp_path / "root", source, project, "one")
    assert f"from {venv}/" in output(venv / "bin" / "pip", "--version")
    activated = output("sh", "-c", f". {venv}/bin/activate && command -v shop && echo $VIRTUAL_ENV")
    assert activated.splitlines() == [f"{venv}/bin/shop", str(venv)]


def test_shared_requirements_go_with_the_last_release_that_needs_them(
    source: Path, tmp_path: Path, requirements: Virtualenv
) -> None:
    root = tmp_path / "root"
    for number in range(4):
        (source / "requirements.txt").write_text(f"# {number // 2}\n")
        deploy_project(root, source, requirements, str(number), keep=2)
        os.utime(root / "releases" / str(Releases(str(root)).current), (number, number))
    kept = [path / "venv" for path in (root / "releases").iterdir()]
    shared = {root / "venvs" / (venv / ".requirements").read_text() for venv in kept}
    assert set((root / "venvs").iterdir()) == {venv.resolve() for venv in kept} | shared


def test_shared_requirements_of_a_killed_run_are_installed_anew(
    source: Path, tmp_path: Path, requirements: Virtualenv
) -> None:
    root = tmp_path / "root"
    venv = deploy_project(root, source, requirements, "one")
    shared = root / "venvs" / (venv / ".requirements").read_text()
    (shared / ".complete").unlink()
    shared_file(shared).unlink()
    assert shared_file(deploy_project(root, source, requirements, "two")).exists()


def test_shared_requirements_that_cannot_be_read_are_named(
    source: Path, tmp_path: Path, project: Virtualenv, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_source: str, _target: str) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(shutil, "copy2", fail)
    monkeypatch.setattr(os, "link", fail)
    with pytest.raises(ReleaseError, match=r"/venvs/\w+/.* cannot be copied into .*Input/output error"):
        deploy_project(tmp_path / "root", source, project, "one")


@pytest.mark.parametrize(
    ("line", "shared"),
    [
        ("-r missing.txt", False),
        ("-r requirements.txt", False),
        ("-e .", False),
        ("-f wheels", False),
        ("./shop", False),
        ("lib/shop", False),
        ("shop @ file:///srv/shop", False),
        ("shop-1.0.whl", False),
        ("boto3[crt]==1.40 \\\n    --hash=sha256:0a", True),
        ("# via -r base.in", True),
        ("    #   -c ../dev.txt", True),
        ("shop; python_version > '3.8'", True),
        ("--index-url https://packages.example/simple", True),
    ],
)
def test_requirements_are_shared_unless_they_lead_into_the_source(tmp_path: Path, line: str, *, shared: bool) -> None:
    (tmp_path / "requirements.txt").write_text(f"boto3==1.40\n{line}\n")
    assert bool(Virtualenv(sys.executable, ["requirements.txt"]).shared_name(tmp_path)) is shared


@pytest.mark.parametrize("line", ["-r more.txt", "-c more.txt", "--constraint=more.txt"])
def test_files_that_requirements_name_tell_them_apart(tmp_path: Path, line: str) -> None:
    (tmp_path / "requirements.txt").write_text(f"{line}\n")
    names = set()
    for version in ("1.40", "1.41"):
        (tmp_path / "more.txt").write_text(f"boto3=={version}\n")
        names.add(Virtualenv(sys.executable, ["requirements.txt"]).shared_name(tmp_path))
    assert len(names) == 2
    assert None not in names


def test_failing_installation_names_the_remedy_and_leaves_the_old_release_live(
    source: Path, tmp_path: Path, python: str
) -> None:
    root = tmp_path / "root"
    first = deploy(root, source).release
    (source / "requirements.txt").write_text("./no-such-package\n")
    with pytest.raises(ReleaseError, match="pip"):
        deploy(root, source, Virtualenv(python=python, requirements=["app/requirements.txt"]))
    assert Releases(str(root)).current == first


def test_missing_python_is_named(source: Path, tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="there is no program python9: install Python 3"):
        deploy(tmp_path / "root", source, Virtualenv(python="python9"))


def test_failed_environment_takes_up_no_room(source: Path, tmp_path: Path, python: str) -> None:
    root = tmp_path / "root"
    (source / "requirements.txt").write_text("/nowhere/at-all.whl\n")
    live = deploy(root, source).release
    with pytest.raises(ReleaseError, match="nowhere"):
        deploy(root, source, Virtualenv(python=python, requirements=["app/requirements.txt"]))
    assert list((root / "venvs").iterdir()) == []
    assert Releases(str(root)).current == live


def test_full_disk_is_told_and_not_what_fails_for_it(
    source: Path, tmp_path: Path, python: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: shutil._ntuple_diskusage(10**10, 10**10 - 10**6, 10**6))
    root = tmp_path / "root"
    (source / "requirements.txt").write_text("/nowhere/at-all.whl\n")
    with pytest.raises(ReleaseError, match=r"the disk is full: .*/venvs had 1 MB free.*make room and run again"):
        deploy(root, source, Virtualenv(python=python, requirements=["app/requirements.txt"]))
