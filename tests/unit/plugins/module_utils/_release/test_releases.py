# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import errno
import fcntl
import os
import shutil
import subprocess
import sys
import tarfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.ecommerce.sqs.plugins.module_utils._release import releases
from ansible_collections.ecommerce.sqs.plugins.module_utils._release.npm_packages import NpmPackages
from ansible_collections.ecommerce.sqs.plugins.module_utils._release.releases import Plan, ReleaseError, Releases
from ansible_collections.ecommerce.sqs.plugins.module_utils._release.source_tree import SourceError, archive, digest
from ansible_collections.ecommerce.sqs.plugins.module_utils._release.virtualenvs import Virtualenv


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    (folder / "bin").mkdir(parents=True)
    (folder / "main.py").write_text("print('one')\n")
    (folder / "bin" / "run").write_text("#!/bin/sh\n")
    (folder / "bin" / "run").chmod(0o755)
    (folder / "link").symlink_to("main.py")
    return folder


def deploy(
    root: Path, source: Path, environment: Virtualenv | None = None, *, npm: NpmPackages | None = None, keep: int = 5
) -> Plan:
    there = Releases(str(root))
    plan = there.plan({"app": digest(str(source))}, environment, ["data"], npm=npm, keep=keep)
    packed = source.parent / "app.tar.gz"
    archive(str(source), str(packed))
    there.apply(plan, environment, {"app": str(packed)})
    return plan


def test_digest_follows_content_names_and_execute_bit_only(source: Path, tmp_path: Path) -> None:
    first = digest(str(source))
    os.utime(source / "main.py", (0, 0))
    (source / "__pycache__").mkdir()
    (source / "__pycache__" / "main.pyc").write_bytes(b"x")
    (source / ".env").write_text("SECRET=x\n")
    copy = tmp_path / "copy"
    shutil.copytree(source, copy, symlinks=True)
    assert digest(str(source)) == digest(str(copy)) == first
    seen = {first}
    (copy / "main.py").write_text("print('two')\n")
    seen.add(digest(str(copy)))
    (copy / "main.py").chmod(0o755)
    seen.add(digest(str(copy)))
    (copy / "main.py").rename(copy / "other.py")
    seen.add(digest(str(copy)))
    assert len(seen) == 4


def test_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="/nowhere is not a folder"):
        digest(f"{tmp_path}/nowhere")


@pytest.mark.parametrize(
    ("link", "target"),
    [("name", "/etc/hostname"), ("name", "../source/main.py"), ("bin/name", "../../main.py"), ("name", "bin/../../x")],
)
def test_link_that_leads_out_of_the_source_is_named(source: Path, tmp_path: Path, link: str, target: str) -> None:
    (source / link).symlink_to(target)
    refused = f"{source}: the link {link} points to {target}, .*: make it relative .*, or leave it out"
    with pytest.raises(SourceError, match=refused):
        digest(str(source))
    with pytest.raises(SourceError, match=refused):
        archive(str(source), str(tmp_path / "app.tar.gz"))


@pytest.mark.parametrize(
    ("link", "target"), [("name", "bin"), ("bin/name", "../main.py"), ("name", "gone"), ("name", "bin/../main.py")]
)
def test_link_that_stays_in_the_source_is_deployed(source: Path, tmp_path: Path, link: str, target: str) -> None:
    (source / link).symlink_to(target)
    deploy(tmp_path / "root", source)
    unpacked = tmp_path / "root" / "app" / link
    assert os.path.normpath(os.readlink(unpacked)) == os.path.normpath(target)  # noqa: PTH115


def test_links_in_what_is_left_out_do_not_matter(source: Path) -> None:
    before = digest(str(source))
    (source / ".venv" / "bin").mkdir(parents=True)
    (source / ".venv" / "bin" / "python").symlink_to("/usr/bin/python3")
    assert digest(str(source)) == before


def test_archive_that_the_host_cannot_unpack_is_named_and_leaves_nothing(source: Path, tmp_path: Path) -> None:
    root, packed = tmp_path / "root", tmp_path / "app.tar.gz"
    with tarfile.open(packed, "w:gz") as tar:
        entry = tarfile.TarInfo("name")
        entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/hostname"
        tar.addfile(entry)
    there = Releases(str(root))
    plan = there.plan({"app": digest(str(source))}, None)
    with pytest.raises(ReleaseError, match=r"source app cannot be unpacked on the host: .*'name' is a link to an"):
        there.apply(plan, None, {"app": str(packed)})
    archive(str(source), str(packed))
    packed.write_bytes(packed.read_bytes()[:-20])
    with pytest.raises(ReleaseError, match=r"source app cannot be unpacked on the host: .*run again when it was cut"):
        there.apply(plan, None, {"app": str(packed)})
    assert list((root / "releases").iterdir()) == []


def test_release_is_unpacked_and_live_and_a_second_run_does_nothing(source: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    assert deploy(root, source).is_change
    assert (root / "app" / "main.py").read_text() == "print('one')\n"
    assert os.access(root / "app" / "bin" / "run", os.X_OK)
    assert (root / "app" / "link").is_symlink()
    assert (root / "data").is_dir()
    assert not Releases(str(root)).plan({"app": digest(str(source))}, None, ["data"]).is_change


def test_new_content_becomes_live_and_the_one_before_is_remembered(source: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    first = deploy(root, source).release
    (source / "main.py").write_text("print('two')\n")
    second = deploy(root, source).release
    releases = Releases(str(root))
    assert (releases.current, releases.previous) == (second, first)
    assert (root / "app" / "main.py").read_text() == "print('two')\n"
    releases.activate(first)
    assert (releases.current, releases.previous) == (first, second)
    with pytest.raises(ReleaseError, match="there is no release 0123"):
        releases.activate("0123")


def test_release_that_failed_is_not_one_to_go_back_to(source: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    good = deploy(root, source).release
    (source / "main.py").write_text("raise SystemExit\n")
    deploy(root, source)
    releases = Releases(str(root))
    releases.activate(good, forget=True)
    assert (releases.current, releases.previous) == (good, None)


def test_release_before_is_known_again_once_a_failed_one_is_forgotten(source: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    names = []
    for number in range(4):
        (source / "main.py").write_text(f"print({number})\n")
        names.append(deploy(root, source).release)
    releases = Releases(str(root))
    releases.activate(names[2], forget=True)
    assert (releases.current, releases.previous) == (names[2], names[1])
    releases.activate(names[1], forget=True)
    assert (releases.current, releases.previous) == (names[1], None)


def test_run_killed_between_its_links_loses_no_release_to_go_back_to(source: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    names = []
    for number in range(3):
        (source / "main.py").write_text(f"print({number})\n")
        names.append(deploy(root, source).release)
    releases = Releases(str(root))
    (root / "current").unlink()
    (root / "current").symlink_to(f"releases/{names[1]}")
    releases.activate(names[2])
    releases.activate(names[1], forget=True)
    assert (releases.current, releases.previous) == (names[1], names[0])


def test_run_killed_while_unpacking_is_finished_by_the_next(source: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    release = Releases(str(root)).plan({"app": digest(str(source))}, None).release
    torn = root / "releases" / f".staging-{release}" / "app"
    torn.mkdir(parents=True)
    (torn / "half").write_text("x")
    deploy(root, source)
    assert (root / "app" / "main.py").exists()
    assert not (root / "app" / "half").exists()


def test_run_killed_while_linking_is_finished_by_the_next(source: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / ".staging-current").symlink_to("releases/gone")
    release = deploy(root, source).release
    assert Releases(str(root)).current == release


def test_environment_without_its_last_mark_is_built_anew(source: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    environment = Virtualenv(python=sys.executable)
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
def project(source: Path) -> Virtualenv:
    """The environment of a source that is a Python project, with a requirement file."""
    (source / "requirements.txt").write_text("# nothing\n")
    (source / "pyproject.toml").write_text(PROJECT)
    (source / "backend.py").write_text(BACKEND)
    return Virtualenv(python=sys.executable, requirements=["app/requirements.txt"], packages=["app"])


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


def test_programs_of_what_is_shared_run_in_the_releases_environment(
    source: Path, tmp_path: Path, project: Virtualenv
) -> None:
    venv = deploy_project(tmp_path / "root", source, project, "one")
    assert f"from {venv}/" in output(venv / "bin" / "pip", "--version")
    activated = output("sh", "-c", f". {venv}/bin/activate && command -v shop && echo $VIRTUAL_ENV")
    assert activated.splitlines() == [f"{venv}/bin/shop", str(venv)]


def test_shared_requirements_go_with_the_last_release_that_needs_them(
    source: Path, tmp_path: Path, project: Virtualenv
) -> None:
    root = tmp_path / "root"
    for number in range(4):
        (source / "requirements.txt").write_text(f"# {number // 2}\n")
        deploy_project(root, source, project, str(number), keep=2)
        os.utime(root / "releases" / str(Releases(str(root)).current), (number, number))
    kept = [path / "venv" for path in (root / "releases").iterdir()]
    shared = {root / "venvs" / (venv / ".requirements").read_text() for venv in kept}
    assert set((root / "venvs").iterdir()) == {venv.resolve() for venv in kept} | shared


def test_shared_requirements_of_a_killed_run_are_installed_anew(
    source: Path, tmp_path: Path, project: Virtualenv
) -> None:
    root = tmp_path / "root"
    venv = deploy_project(root, source, project, "one")
    shared = root / "venvs" / (venv / ".requirements").read_text()
    (shared / ".complete").unlink()
    shared_file(shared).unlink()
    assert shared_file(deploy_project(root, source, project, "two")).exists()


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


def test_failing_installation_names_the_remedy_and_leaves_the_old_release_live(source: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    first = deploy(root, source).release
    (source / "requirements.txt").write_text("./no-such-package\n")
    with pytest.raises(ReleaseError, match="pip"):
        deploy(root, source, Virtualenv(python=sys.executable, requirements=["app/requirements.txt"]))
    assert Releases(str(root)).current == first


def test_missing_python_is_named(source: Path, tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="there is no program python9: install Python 3"):
        deploy(tmp_path / "root", source, Virtualenv(python="python9"))


def test_old_releases_go_and_the_live_one_and_the_one_before_stay(source: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    made = []
    for number in range(5):
        (source / "main.py").write_text(f"print({number})\n")
        made.append(deploy(root, source, keep=2).release)
        os.utime(root / "releases" / made[-1], (number, number))
    Releases(str(root)).activate(made[3])
    kept = {path.name for path in (root / "releases").iterdir()}
    assert made[3] in kept
    assert made[4] in kept
    assert len(kept) <= 3


def test_end_of_what_a_killed_run_left_at_work_is_waited_for(source: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    with ThreadPoolExecutor() as pool:
        with (root / ".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            waiting = pool.submit(deploy, root, source)
            with pytest.raises(TimeoutError):
                waiting.result(timeout=0.2)
        plan = waiting.result(timeout=30)
    assert Releases(str(root)).current == plan.release


def test_what_another_run_did_meanwhile_is_not_done_again(source: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    late = Releases(str(root)).plan({"app": digest(str(source))}, None, ["data"])
    deploy(root, source)
    Releases(str(root)).apply(late, None, {"app": str(source.parent / "app.tar.gz")})
    assert Releases(str(root)).current == late.release


def test_leftovers_of_killed_runs_go_with_the_next_one(source: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "releases" / ".staging-another" / "app").mkdir(parents=True)
    (root / ".staging-current").symlink_to("releases/another")
    plan = deploy(root, source)
    assert [path.name for path in (root / "releases").iterdir()] == [plan.release]
    assert not (root / ".staging-current").is_symlink()


def test_failed_environment_takes_up_no_room(source: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    (source / "requirements.txt").write_text("/nowhere/at-all.whl\n")
    live = deploy(root, source).release
    with pytest.raises(ReleaseError, match="nowhere"):
        deploy(root, source, Virtualenv(python=sys.executable, requirements=["app/requirements.txt"]))
    assert list((root / "venvs").iterdir()) == []
    assert Releases(str(root)).current == live


def test_full_disk_is_told_and_not_what_fails_for_it(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: shutil._ntuple_diskusage(10**10, 10**10 - 10**6, 10**6))
    root = tmp_path / "root"
    (source / "requirements.txt").write_text("/nowhere/at-all.whl\n")
    with pytest.raises(ReleaseError, match=r"the disk is full: .*/venvs had 1 MB free.*make room and run again"):
        deploy(root, source, Virtualenv(python=sys.executable, requirements=["app/requirements.txt"]))


def test_second_run_at_the_same_time_is_told_so(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(releases, "LOCK_WAIT", 0)
    root = tmp_path / "root"
    root.mkdir()
    with (root / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(ReleaseError, match="another run is working in"):
            deploy(root, source)


def test_folder_in_the_place_of_a_link_is_not_touched(source: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "app").mkdir(parents=True)
    (root / "app" / "precious").write_text("x")
    with pytest.raises(ReleaseError, match="is a folder"):
        deploy(root, source)
    assert (root / "app" / "precious").read_text() == "x"


# Stands for npm: installs one package, and notes each call with its folder and arguments.
NPM = """#!/bin/sh
echo "$(pwd) $*" >> {calls}
[ -e {broken} ] && {{ mkdir node_modules; . {broken}; }}
mkdir -p node_modules/left-pad && cp package-lock.json node_modules/left-pad/
"""


@pytest.fixture
def npm(source: Path, tmp_path: Path) -> NpmPackages:
    (source / "package.json").write_text('{"name": "shop", "version": "1.0.0"}')
    (source / "package-lock.json").write_text('{"lockfileVersion": 3, "packages": {"": {}}}')
    program = tmp_path / "bin" / "npm"
    program.parent.mkdir()
    program.write_text(NPM.format(calls=tmp_path / "calls", broken=tmp_path / "broken"))
    program.chmod(0o755)
    return NpmPackages(folders=["app"], path=[str(program.parent)])


@pytest.fixture
def nothing_on_the_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))


def npm_calls(tmp_path: Path) -> list[str]:
    return (tmp_path / "calls").read_text().splitlines()


def test_npm_packages_are_there_when_the_release_is_live(source: Path, tmp_path: Path, npm: NpmPackages) -> None:
    root = tmp_path / "root"
    plan = deploy(root, source, npm=npm)
    assert "install the npm packages of app" in plan.steps
    assert (root / "app/node_modules/left-pad/package-lock.json").exists()
    assert npm_calls(tmp_path)[0].endswith(" ci --omit=dev --no-audit --no-fund --no-update-notifier --ignore-scripts")
    assert not Releases(str(root)).plan({"app": digest(str(source))}, None, ["data"], npm=npm).is_change


def test_releases_with_the_same_lock_share_their_npm_packages(source: Path, tmp_path: Path, npm: NpmPackages) -> None:
    root = tmp_path / "root"
    deploy(root, source, npm=npm)
    (source / "main.py").write_text("print('two')\n")
    deploy(root, source, npm=npm)
    assert len(npm_calls(tmp_path)) == 1
    (source / "package-lock.json").write_text('{"lockfileVersion": 3, "packages": {"": {}, "node_modules/x": {}}}')
    deploy(root, source, npm=npm)
    assert len(npm_calls(tmp_path)) == 2
    assert "node_modules/x" in (root / "app/node_modules/left-pad/package-lock.json").read_text()


def test_npm_packages_that_no_release_needs_go(source: Path, tmp_path: Path, npm: NpmPackages) -> None:
    root = tmp_path / "root"
    for number in range(4):
        (source / "package-lock.json").write_text(f'{{"lockfileVersion": 3, "packages": {{"{number}": {{}}}}}}')
        release = deploy(root, source, npm=npm, keep=2).release
        os.utime(root / "releases" / release, (number, number))
    kept = {os.readlink(path / "app/node_modules").split("/")[-2] for path in (root / "releases").iterdir()}  # noqa: PTH115
    assert {path.name for path in (root / "npm").iterdir()} == kept
    assert len(kept) < 4


@pytest.mark.parametrize("way", ["scripts", "workspace"])
def test_npm_packages_that_look_into_the_source_are_the_releases_own(
    source: Path, tmp_path: Path, npm: NpmPackages, way: str
) -> None:
    root = tmp_path / "root"
    if way == "scripts":
        npm = NpmPackages(folders=npm.folders, scripts=True, path=npm.path)
    else:
        (source / "package-lock.json").write_text('{"packages": {"node_modules/own": {"link": true}}}')
    release = deploy(root, source, npm=npm).release
    assert not (root / "releases" / release / "app/node_modules").is_symlink()
    assert (root / "app/node_modules/left-pad").is_dir()
    assert ("--ignore-scripts" in npm_calls(tmp_path)[0]) == (way == "workspace")


@pytest.mark.parametrize(
    ("end", "told"),
    [
        ("echo 'npm error code E404' >&2; exit 1", "failed with code 1: npm error code E404"),
        ("kill -KILL $$", "was ended by signal 9, Killed"),
    ],
)
def test_failure_of_npm_is_one_message_and_the_next_run_finishes(
    source: Path, tmp_path: Path, npm: NpmPackages, end: str, told: str
) -> None:
    root = tmp_path / "root"
    (tmp_path / "broken").write_text(end)
    with pytest.raises(ReleaseError, match=f"in app, .*/npm ci .* {told}: the live release was not touched"):
        deploy(root, source, npm=npm)
    assert Releases(str(root)).current is None
    assert list((root / "releases").iterdir()) == []
    (tmp_path / "broken").unlink()
    deploy(root, source, npm=npm)
    assert (root / "app/node_modules/left-pad").is_dir()


@pytest.mark.usefixtures("nothing_on_the_path")
@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("package-lock.json", "app has a package.json but no package-lock.json.*npm install --package-lock-only"),
        ("package.json", "app has no package.json"),
        ("../bin/npm", "there is no npm in .*: install Node.js with npm on the host"),
    ],
)
def test_what_npm_needs_is_named(source: Path, tmp_path: Path, npm: NpmPackages, missing: str, message: str) -> None:
    (source / missing).unlink()
    with pytest.raises(ReleaseError, match=message):
        deploy(tmp_path / "root", source, npm=npm)


def test_lock_that_is_not_json_is_named(source: Path, tmp_path: Path, npm: NpmPackages) -> None:
    (source / "package-lock.json").write_text("<<<<<<< ours\n")
    with pytest.raises(ReleaseError, match=r"app/package-lock.json is not JSON that npm wrote .*: make it anew"):
        deploy(tmp_path / "root", source, npm=npm)
