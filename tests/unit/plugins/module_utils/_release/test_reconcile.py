# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.ecommerce.sqs.plugins.module_utils._release.errors import ReleaseError
from ansible_collections.ecommerce.sqs.plugins.module_utils._release.reconcile import reconcile
from ansible_collections.ecommerce.sqs.plugins.module_utils._release.source_tree import archive, digest


class Host:
    """A root on this machine, and the source that is released there."""

    def __init__(self, root: Path, source: Path) -> None:
        self.root, self.source = root, source

    def asked(self, *, check_mode: bool = False, **more: Any) -> dict[str, Any]:
        params = {"sources": None, "release": None, "forget": False, "virtualenv": None, "npm": None, "archives": {}}
        params |= {"folders": [], "folders_owner": None, "folders_group": None, "activate": True, "keep": 5}
        return reconcile({"root": str(self.root), **params, **more}, check_mode=check_mode)

    def deploy(self, text: str = "one", **more: Any) -> dict[str, Any]:
        """Deploy the source with this text in it, with its archive at hand."""
        (self.source / "main.py").write_text(text)
        packed = self.source.parent / "app.tar.gz"
        archive(str(self.source), str(packed))
        return self.asked(sources={"app": digest(str(self.source))}, archives={"app": str(packed)}, **more)

    @property
    def live(self) -> str:
        return (self.root / "app" / "main.py").read_text()


@pytest.fixture
def host(tmp_path: Path, source: Path) -> Host:
    return Host(tmp_path / "root", source)


def test_archives_are_wanted_only_where_the_release_is_missing(host: Host) -> None:
    sources = {"app": digest(str(host.source))}
    wanted = host.asked(sources=sources)
    assert wanted["archives_wanted"]
    assert not host.root.exists()
    deployed = host.deploy((host.source / "main.py").read_text())
    assert (deployed["archives_wanted"], deployed["release"]) == (False, wanted["release"])
    again = host.asked(sources=sources)
    assert (again["changed"], again["archives_wanted"], again["steps"]) == (False, False, [])


def test_check_mode_wants_no_archive_and_makes_nothing(host: Host) -> None:
    result = host.asked(sources={"app": digest(str(host.source))}, check_mode=True)
    assert (result["changed"], result["archives_wanted"], result["previous"]) == (True, False, None)
    assert result["diff"]["after"] == f"{host.root}/current: {result['release']}\n"
    assert not host.root.exists()


def test_a_release_that_is_only_made_ready_is_not_live(host: Host) -> None:
    first = host.deploy("one")
    second = host.deploy("two", activate=False)
    assert host.live == "one"
    assert second["diff"] == dict.fromkeys(("before", "after"), f"{host.root}/current: {first['release']}\n")
    chosen = host.asked(release=second["release"])
    assert (chosen["changed"], chosen["previous"], host.live) == (True, first["release"], "two")


def test_the_release_before_is_gone_back_to_by_its_name(host: Host) -> None:
    first = host.deploy("one")["release"]
    second = host.deploy("two")["release"]
    looked_up = host.asked(release="previous", activate=False)
    assert (looked_up["changed"], looked_up["release"], host.live) == (False, first, "two")
    assert host.asked(release="previous", check_mode=True)["steps"] == [f"make {first} live in place of {second}"]
    assert host.live == "two"
    back = host.asked(release="previous", forget=True)
    assert (back["changed"], back["previous"], host.live) == (True, second, "one")
    with pytest.raises(ReleaseError, match=f"has no release before {first}: deploy one instead"):
        host.asked(release="previous")


def test_a_release_that_is_not_there_is_one_in_check_mode_alone(host: Host) -> None:
    host.deploy()
    assert host.asked(release="0123456789ab", check_mode=True)["changed"]
    with pytest.raises(ReleaseError, match="there is no release 0123456789ab"):
        host.asked(release="0123456789ab")


def test_folders_get_a_mode_that_keeps_others_out(host: Host) -> None:
    host.deploy(folders=["data"])
    assert (host.root / "data").stat().st_mode & 0o777 == 0o750
    assert not host.deploy(folders=["data"])["changed"]
    (host.root / "data").chmod(0o777)
    assert host.deploy(folders=["data"])["changed"]
    assert (host.root / "data").stat().st_mode & 0o777 == 0o750


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to another user")
def test_folders_get_their_owner(host: Host) -> None:
    host.deploy(folders=["data"])
    assert host.deploy(folders=["data"], folders_owner="daemon", folders_group="daemon")["changed"]
    assert ((host.root / "data").owner(), (host.root / "data").group()) == ("daemon", "daemon")
    assert not host.deploy(folders=["data"], folders_owner="daemon", folders_group="daemon")["changed"]


def test_an_owner_that_is_nobody_is_named(host: Host) -> None:
    with pytest.raises(ReleaseError, match=r"folders_owner, folders_group: .*nobody-at-all.*: make that user first"):
        host.deploy(folders=["data"], folders_owner="nobody-at-all")


def test_a_root_that_cannot_be_is_named(host: Host) -> None:
    with pytest.raises(ReleaseError, match="root: opt is not an absolute path"):
        Host(Path("opt"), host.source).deploy()
    with pytest.raises(ReleaseError, match=r"^/proc/shop.*: .*Check that the disk has space and that the user"):
        Host(Path("/proc/shop"), host.source).deploy()
