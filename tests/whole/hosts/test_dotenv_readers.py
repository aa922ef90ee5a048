# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is written to a .env file means the same to the four programs that read it, or is refused.

Each reader is the real one: Node's dotenv, python-dotenv, bash, and systemd's own parser out of its shared library,
which is what EnvironmentFile= runs and needs no running systemd.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import dotenv as python_dotenv
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ansible_collections.ecommerce.sqs.plugins.module_utils._dotenv.text import DotenvError, check_key, edit, refusal

READERS = Path(__file__).parent / "readers"

Reader = Callable[[Path, list[str]], dict[str, str]]


@pytest.fixture(scope="session")
def node_modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("readers")
    for name in ("package.json", "package-lock.json", "read.js"):
        shutil.copy(READERS / name, folder)
    subprocess.run(["npm", "ci", "--silent"], cwd=folder, check=True, timeout=900)
    return folder


@pytest.fixture(scope="session")
def libsystemd() -> ctypes.CDLL:
    found = sorted(Path("/").glob("usr/lib/**/systemd/libsystemd-shared-*.so"))
    assert found, "no libsystemd-shared: install the Debian package systemd"
    return ctypes.CDLL(str(found[-1]))


@pytest.fixture(scope="session")
def readers(node_modules: Path, libsystemd: ctypes.CDLL) -> dict[str, Reader]:
    libc = ctypes.CDLL(None)
    libc.fopen.restype = ctypes.c_void_p

    def node(path: Path, keys: list[str]) -> dict[str, str]:
        done = subprocess.run(["node", node_modules / "read.js", path], capture_output=True, check=True, timeout=600)
        return dict(json.loads(done.stdout))

    def python(path: Path, keys: list[str]) -> dict[str, str]:
        return {key: value or "" for key, value in python_dotenv.dotenv_values(path).items()}

    def bash(path: Path, keys: list[str]) -> dict[str, str]:
        script = 'set -a; source "$1"; shift; for key; do printf "%s\\0" "${!key}"; done'
        done = subprocess.run(
            ["bash", "-c", script, "bash", path, *keys], capture_output=True, check=True, timeout=600,
            env={"PATH": os.environ["PATH"]},
        )  # fmt: skip
        assert not done.stderr
        return dict(zip(keys, done.stdout.decode().split("\0")[:-1], strict=True))

    def systemd(path: Path, keys: list[str]) -> dict[str, str]:
        stream = ctypes.c_void_p(libc.fopen(os.fsencode(path), b"re"))
        strings = ctypes.POINTER(ctypes.c_char_p)()
        status = libsystemd.load_env_file(stream, os.fsencode(path), ctypes.byref(strings))
        libc.fclose(stream)
        assert status == 0
        held = {}
        index = 0
        while strings and strings[index] is not None:
            assignment = strings[index]
            if libsystemd.env_assignment_is_valid(assignment):
                key, _unused, value = assignment.decode().partition("=")
                held[key] = value
            index += 1
        return held

    return {"Node's dotenv": node, "python-dotenv": python, "bash": bash, "systemd": systemd}


AWKWARD = "ab =#$\\'\"`!{}()[]&|;<>*?~%^:@,\t\n\r\x00\x7f\x85\u2028é€😀\ufeff"
awkward_text = st.text(st.one_of(st.sampled_from(AWKWARD), st.characters()), max_size=16)
pieces = st.lists(
    st.sampled_from(
        ["'", '"', "\\", "\\n", "$", "${A}", "$(id)", "`id`", "#", " #", "\n", " ", "x", "K=v", "export ", "é"]
    ),
    max_size=8,
).map("".join)
keys = st.from_regex(r"\A[A-Za-z_][A-Za-z0-9_]{0,8}\Z").filter(lambda key: check_key(key) is None and key != "IFS")

VALUES_PER_FILE = 20
FILES = 100  # 2,000 values in all


@settings(
    max_examples=FILES,
    deadline=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)
@given(
    st.lists(st.one_of(awkward_text, pieces), min_size=VALUES_PER_FILE, max_size=VALUES_PER_FILE),
    st.lists(keys, min_size=VALUES_PER_FILE, max_size=VALUES_PER_FILE, unique=True),
)
def test_readers_agree_on_every_value_that_is_not_refused(
    readers: dict[str, Reader],
    tmp_path_factory: pytest.TempPathFactory,
    generated: list[str],
    names: list[str],
) -> None:
    wanted = {}
    for name, value in zip(names, generated, strict=True):
        if refusal(value) is None:
            wanted[name] = value
        else:
            with pytest.raises(DotenvError):
                edit("", {name: value})
    path = tmp_path_factory.mktemp("env") / ".env"
    path.write_bytes(edit("# ours\n", wanted).after.encode())
    for reader, read in readers.items():
        held = read(path, list(wanted))
        assert {key: held.get(key) for key in wanted} == wanted, reader


@pytest.mark.parametrize(
    "foreign",
    [
        "A=old # note\nexport B='x'\n",
        "A='multi\nline'\nB=\"two\"\n# end",
        "C=1\r\nA=2\r\n",
        "A = spaced\nB=$HOME/x\n",
    ],
)
def test_readers_agree_in_a_file_others_wrote(readers: dict[str, Reader], tmp_path: Path, foreign: str) -> None:
    wanted = {"A": "it's # fine", "NEW": "two\nlines $5"}
    path = tmp_path / ".env"
    path.write_bytes(edit(foreign, wanted).after.encode())
    for reader, read in readers.items():
        held = read(path, list(wanted))
        assert {key: held.get(key) for key in wanted} == wanted, reader


@pytest.mark.parametrize("value", ["a${HOME}", "a\\", "it's `x`", "a\\\\b", "\x00", "it's $HOME", "a\rb"])
def test_a_refused_value_is_one_that_some_reader_changes(
    readers: dict[str, Reader], tmp_path: Path, value: str
) -> None:
    assert refusal(value)
    path = tmp_path / ".env"
    misread = []
    for mark in ("'", '"'):
        path.write_bytes(f"A={mark}{value}{mark}\nB=1\n".encode())
        for reader, read in readers.items():
            try:
                agrees = read(path, ["A", "B"]) == {"A": value, "B": "1"}
            except (AssertionError, subprocess.CalledProcessError, ValueError):
                agrees = False
            if not agrees:
                misread.append((mark, reader))
    assert {mark for mark, _reader in misread} == {"'", '"'}
