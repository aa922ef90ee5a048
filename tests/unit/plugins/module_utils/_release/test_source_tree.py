# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from ansible_collections.ecommerce.sqs.plugins.module_utils._release.source_tree import SourceError, archive, digest
from ansible_collections.ecommerce.sqs.tests.unit.support.releases import deploy


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
