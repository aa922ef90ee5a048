# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import io
import shutil
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from ansible_collections.ecommerce.sqs.plugins.module_utils._release import source_archive
from ansible_collections.ecommerce.sqs.plugins.module_utils._release.source_archive import as_folder
from ansible_collections.ecommerce.sqs.plugins.module_utils._release.source_tree import SourceError, digest


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


def zip_with_links(packed: Path, entries: list[tuple[str, str, bool]]) -> Path:
    """Write a zip as git does it: entries of name, content or target, and whether it is a link."""
    with zipfile.ZipFile(packed, "w") as content:
        for name, text, is_link in entries:
            entry = zipfile.ZipInfo(name)
            entry.create_system = 3
            entry.external_attr = ((stat.S_IFLNK | 0o777) if is_link else (stat.S_IFREG | 0o644)) << 16
            content.writestr(entry, text)
    return packed


def test_links_of_a_zip_are_those_of_its_folder(source: Path, tmp_path: Path) -> None:
    links = [("bin/main", "../main.py"), ("latest", "bin"), ("gone", "nowhere")]
    files = [("main.py", "print('one')\n", False), ("bin/run", "#!/bin/sh\n", False)]
    (source / "bin" / "run").chmod(0o644)
    for name, target in links:
        (source / name).symlink_to(target)
    packed = zip_with_links(tmp_path / "packed.zip", [*((*link, True) for link in links), *files])
    with as_folder(str(packed)) as folder:
        assert digest(folder) == digest(str(source))


@pytest.mark.parametrize("target", ["/etc/passwd", "../outside", "x/../../outside"])
@pytest.mark.parametrize("wrapper", ["", "shop-1.2/"])
def test_a_link_out_of_a_zip_is_refused(tmp_path: Path, target: str, wrapper: str) -> None:
    entries = [(f"{wrapper}main.py", "", False), (f"{wrapper}link", target, True)]
    packed = zip_with_links(tmp_path / "evil.zip", entries)
    refused = rf"evil\.zip: the link link points to {target}, .*: make it relative"
    with pytest.raises(SourceError, match=refused), as_folder(str(packed)):
        pass


@pytest.mark.parametrize(
    "entries",
    [
        [("to", "..", True), ("to/outside", "x", False)],
        [("to", ".", True), ("to/outside", "../x", True)],
        [("to", "a\0b", True)],
        [("to", "", True)],
    ],
)
def test_nothing_is_written_through_a_link_of_a_zip(tmp_path: Path, entries: list[tuple[str, str, bool]]) -> None:
    packed = zip_with_links(tmp_path / "evil.zip", entries)
    with pytest.raises(SourceError, match=r"evil\.zip cannot be unpacked"), as_folder(str(packed)):
        pass
    assert not (tmp_path / "outside").exists()


def test_the_last_of_two_entries_of_a_zip_is_what_it_holds(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        packed = zip_with_links(tmp_path / "packed.zip", [("one", "two", True), ("one", "text", False)])
    with as_folder(str(packed)) as folder:
        assert not (Path(folder) / "one").is_symlink()
        assert (Path(folder) / "one").read_text() == "text"


def test_a_link_out_of_the_folder_that_a_tar_is_of_is_refused(source: Path, tmp_path: Path) -> None:
    (source / "link").symlink_to("../outside")
    packed = shutil.make_archive(str(tmp_path / "packed"), "gztar", source.parent, source.name)
    refused = r"packed\.tar\.gz: the link link points to \.\./outside, "
    with pytest.raises(SourceError, match=refused), as_folder(packed):
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
