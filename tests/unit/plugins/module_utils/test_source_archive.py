# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import io
import shutil
import tarfile
import zipfile
from pathlib import Path

import pytest

from ansible_collections.ecommerce.sqs.plugins.module_utils import source_archive
from ansible_collections.ecommerce.sqs.plugins.module_utils.source_archive import as_folder
from ansible_collections.ecommerce.sqs.plugins.module_utils.source_tree import SourceError, digest


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "shop-1.2"
    (folder / "bin").mkdir(parents=True)
    (folder / "main.py").write_text("print('one')\n")
    (folder / "bin" / "run").write_text("#!/bin/sh\n")
    (folder / "bin" / "run").chmod(0o755)
    return folder


@pytest.mark.parametrize("form", ["gztar", "xztar", "bztar", "tar", "zip"])
@pytest.mark.parametrize("is_wrapped", [True, False])
def test_an_archive_stands_for_the_folder_in_it(source: Path, tmp_path: Path, form: str, is_wrapped: bool) -> None:
    if is_wrapped:
        packed = shutil.make_archive(str(tmp_path / "packed"), form, source.parent, source.name)
    else:
        packed = shutil.make_archive(str(tmp_path / "packed"), form, source)
    with as_folder(packed) as folder:
        assert digest(folder) == digest(str(source))
    assert not Path(folder).exists()


def test_a_folder_stands_for_itself(source: Path) -> None:
    with as_folder(str(source)) as folder:
        assert folder == str(source)


@pytest.mark.parametrize("name", ["../outside", "/outside"])
def test_nothing_is_unpacked_outside(tmp_path: Path, name: str) -> None:
    packed = tmp_path / "evil.tar"
    with tarfile.open(packed, "w") as tar:
        entry = tarfile.TarInfo(name)
        entry.size = 1
        tar.addfile(entry, io.BytesIO(b"x"))
    try:
        with as_folder(str(packed)) as folder:
            assert [path.name for path in Path(folder).iterdir()] == ["outside"]
    except SourceError as error:
        assert "evil.tar cannot be unpacked" in str(error)
    assert not (tmp_path / "outside").exists()
    assert not Path("/outside").exists()


def test_a_link_out_of_the_archive_is_refused(tmp_path: Path) -> None:
    packed = tmp_path / "evil.tar"
    with tarfile.open(packed, "w") as tar:
        entry = tarfile.TarInfo("passwd")
        entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(entry)
    with pytest.raises(SourceError, match="cannot be unpacked"), as_folder(str(packed)):
        pass


@pytest.mark.parametrize("form", ["gztar", "zip"])
def test_a_bomb_is_refused(source: Path, tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_archive, "LIMIT", 1000)
    (source / "zeros").write_bytes(bytes(1001))
    packed = shutil.make_archive(str(tmp_path / "packed"), form, source)
    with pytest.raises(SourceError, match="above 1000 bytes when unpacked"), as_folder(packed):
        pass


def test_a_file_that_is_no_archive_is_named(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("print()\n")
    with pytest.raises(SourceError, match="is neither a folder nor an archive"), as_folder(str(tmp_path / "app.py")):
        pass


def test_a_broken_archive_is_named(source: Path, tmp_path: Path) -> None:
    packed = Path(shutil.make_archive(str(tmp_path / "packed"), "gztar", source))
    packed.write_bytes(packed.read_bytes()[:-20])
    with pytest.raises(SourceError, match=r"packed\.tar\.gz"), as_folder(str(packed)):
        pass


def test_a_broken_zip_is_named(source: Path, tmp_path: Path) -> None:
    packed = Path(shutil.make_archive(str(tmp_path / "packed"), "zip", source))
    with zipfile.ZipFile(packed) as content:
        offset = content.infolist()[-1].header_offset
    data = bytearray(packed.read_bytes())
    data[offset + 30 + 6 : offset + 30 + 12] = b"\0" * 6
    packed.write_bytes(bytes(data))
    with pytest.raises(SourceError, match=r"packed\.zip cannot be unpacked"), as_folder(str(packed)):
        pass
