# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import fcntl
import os
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ansible_collections.ecommerce.sqs.plugins.module_utils._release import releases
from ansible_collections.ecommerce.sqs.plugins.module_utils._release.releases import ReleaseError, Releases
from ansible_collections.ecommerce.sqs.plugins.module_utils._release.source_tree import archive, digest
from ansible_collections.ecommerce.sqs.tests.unit.support.releases import deploy


def test_archive_that_the_host_cannot_unpack_is_named_and_leaves_nothing(source: Path, tmp_path: Path) -> None:
    root, packed = tmp_path / "root", tmp_path / "app.tar.gz"
    with tarfile.open(packed, "w:gz") as tar:
        entry = tarfile.TarInfo("name")
        entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/hostname"
        tar.addfile(entry)
    fresh = Releases(str(root))
    plan = fresh.plan({"app": digest(str(source))}, None)
    with pytest.raises(ReleaseError, match=r"source app cannot be unpacked on the host: .*'name' is a link to an"):
        fresh.apply(plan, None, {"app": str(packed)})
    archive(str(source), str(packed))
    packed.write_bytes(packed.read_bytes()[:-20])
    with pytest.raises(ReleaseError, match=r"source app cannot be unpacked on the host: .*run again when it was cut"):
        fresh.apply(plan, None, {"app": str(packed)})
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
