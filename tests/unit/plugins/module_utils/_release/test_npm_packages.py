# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.ecommerce.sqs.plugins.module_utils._release.npm_packages import NpmPackages
from ansible_collections.ecommerce.sqs.plugins.module_utils._release.releases import ReleaseError, Releases
from ansible_collections.ecommerce.sqs.plugins.module_utils._release.source_tree import digest
from ansible_collections.ecommerce.sqs.tests.unit.support.releases import deploy

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
    ("end", "message"),
    [
        ("echo 'npm error code E404' >&2; exit 1", "failed with code 1: npm error code E404"),
        ("kill -KILL $$", "was ended by signal 9, Killed"),
    ],
)
def test_failure_of_npm_is_one_message_and_the_next_run_finishes(
    source: Path, tmp_path: Path, npm: NpmPackages, end: str, message: str
) -> None:
    root = tmp_path / "root"
    (tmp_path / "broken").write_text(end)
    with pytest.raises(ReleaseError, match=f"in app, .*/npm ci .* {message}: the live release was not touched"):
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
