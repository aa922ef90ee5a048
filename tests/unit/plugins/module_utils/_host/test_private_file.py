# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.ecommerce.sqs.plugins.module_utils._host.private_file import (
    check_replaceable,
    create,
    explain,
    replace,
    sweep,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".env"


def test_file_is_replaced_whole_with_its_mode_and_nothing_beside_it(path: Path) -> None:
    path.write_text("old")
    replace(str(path), "new", 0o600)
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_file_that_cannot_be_replaced_stays_and_nothing_is_left_beside_it(path: Path) -> None:
    path.mkdir()
    (path / "inside").touch()
    with pytest.raises(OSError, match="directory"):
        replace(str(path), "new", 0o600)
    assert list(path.parent.iterdir()) == [path]


def test_link_is_followed(path: Path, tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    path.symlink_to("real")
    replace(str(path), "new", 0o600)
    assert path.is_symlink()
    assert (tmp_path / "real").read_text() == "new"


def test_file_that_is_there_is_not_created_again(path: Path) -> None:
    assert create(str(path), "first", 0o644)
    assert not create(str(path), "second", 0o644)
    assert path.read_text() == "first"
    assert list(path.parent.iterdir()) == [path]


def test_sweep_takes_what_a_killed_run_left_and_nothing_else(path: Path) -> None:
    leftover = path.with_name("..env.k1ll_edx")
    leftover.write_text("SECRET=half")
    others = [
        path.with_name(name) for name in (".env", ".env.2026-11-25@10:02:07~", ".env.production", "x.env.k1lledxx")
    ]
    for other in others:
        other.write_text("KEPT=1")
    sweep(str(path))
    assert sorted(path.parent.iterdir()) == sorted(others)


def test_sweep_leaves_what_another_run_is_writing(path: Path) -> None:
    written = path.with_name("..env.writing_")
    with written.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        sweep(str(path))
        assert written.exists()
    sweep(str(path))
    assert not written.exists()


@pytest.mark.parametrize("write", [replace, create])
def test_file_that_another_run_swept_away_before_it_was_locked_is_written(
    path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[str, str, int], object]
) -> None:
    lock, swept = fcntl.flock, []

    def sweep_once_then_lock(file: object, operation: int) -> None:
        if not swept:
            swept.append(path)
            sweep(str(path))
        lock(file, operation)

    monkeypatch.setattr(fcntl, "flock", sweep_once_then_lock)
    write(str(path), "new", 0o600)
    assert swept
    assert path.read_text() == "new"
    assert list(path.parent.iterdir()) == [path]


def test_sweep_of_a_folder_that_is_not_there_is_no_error(tmp_path: Path) -> None:
    sweep(str(tmp_path / "nowhere" / ".env"))


def test_file_that_can_be_replaced_is_left_as_it_is(path: Path) -> None:
    check_replaceable(str(path))
    path.write_text("old")
    check_replaceable(str(path))
    check_replaceable(str(path.parent / "not" / "yet" / ".env"))
    assert list(path.parent.iterdir()) == [path]
    assert path.read_text() == "old"


def test_folder_in_the_place_of_the_file_is_told(path: Path) -> None:
    path.mkdir()
    with pytest.raises(IsADirectoryError) as caught:
        check_replaceable(str(path))
    assert explain(str(path), caught.value) == (
        f"{path} cannot be read or written: it is a folder, and a file is needed; move it away and run again"
    )


def test_folder_that_takes_no_file_is_told() -> None:
    with pytest.raises(OSError, match=r"\S") as caught:
        check_replaceable("/proc/self/.env")
    assert explain("/proc/self/.env", caught.value).startswith("/proc/self/.env cannot be read or written: ")


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, "the disk is full; make room on the file system of /srv/shop and run again"),
        (errno.EROFS, "the file system of /srv/shop is mounted read-only; mount it writable and run again"),
        (errno.EBUSY, "it is a mount of its own; unmount it (findmnt shows it) and run again"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_what_is_in_the_way_is_told_with_the_way_out(number: int, said: str) -> None:
    sentence = explain("/srv/shop/.env", OSError(number, os.strerror(number)))
    assert sentence == f"/srv/shop/.env cannot be read or written: {said}"
