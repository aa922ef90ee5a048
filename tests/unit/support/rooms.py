# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rooms of ``plugins/module_utils``: which file may be in which, what each may import, and who leans on whom.

Read from the imports alone, so that a rule is broken in the very commit that adds the import.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from pathlib import Path

Sources = Mapping[str, str]
"""The text of each file by its dotted name below module_utils: ``_alarms.plan``."""

PACKAGE = "ansible_collections.ecommerce.sqs.plugins.module_utils"


class Kind(Enum):
    """What a file does, and with that what it may import.

    pure: decides; no I/O, no clock, no Ansible.
    join: reads by io, decides by pure, and writes by io; it may wait.
    io: talks to AWS, to files or to programs.
    helper: the helpers of amazon.aws, which import Ansible; for io and joins.
    ansible: how a module runs.
    """

    PURE = "pure"
    JOIN = "join"
    IO = "io"
    HELPER = "helper"
    ANSIBLE = "ansible"


PURE, JOIN, IO, HELPER, ANSIBLE = Kind
NAMES = {"wanted": PURE, "plan": PURE, "api": IO, "reconcile": JOIN, "module": JOIN}
"""The names that mean the same in every room."""
_AWS_ROOM = ("wanted", "plan", "api", "reconcile")
HOUSE: dict[str, dict[str, Kind]] = {
    "": {"_problems": PURE, "_progress": IO},
    "_topology": dict.fromkeys(
        (
            "read",
            "expand",
            "shapes",
            "names",
            "queue_attributes",
            "tags",
            "alarms",
            "policies",
            "dashboard",
            "scaling",
        ),
        PURE,
    ),
    "_aws": {"client": IO, "run": JOIN, "steps": PURE, "documents": HELPER, "module": ANSIBLE},
    "_queues": {name: NAMES[name] for name in (*_AWS_ROOM, "module")} | {"actual": PURE, "lookup": JOIN},
    "_messages": {
        "outgoing": PURE,
        "received": PURE,
        "filter": PURE,
        "edit": PURE,
        "redrive_options": PURE,
        "redrive_report": PURE,
        "api": IO,
        "one_queue": JOIN,
        "borrowing": JOIN,
        "send": JOIN,
        "purge": JOIN,
        "redrive": JOIN,
        "redrive_by_hand": JOIN,
        "redrive_native": JOIN,
        "module": JOIN,
    },
    "_alarms": {name: NAMES[name] for name in _AWS_ROOM},
    "_dashboard": {name: NAMES[name] for name in ("api", "reconcile")},
    "_instance_profiles": {name: NAMES[name] for name in _AWS_ROOM} | {"of_hosts": PURE},
    "_associations": {name: NAMES[name] for name in _AWS_ROOM},
    "_scaling": {name: NAMES[name] for name in _AWS_ROOM},
    "_vpc_endpoint": {name: NAMES[name] for name in _AWS_ROOM},
    "_dotenv": {"text": PURE, "file": IO, "module": JOIN},
    "_pm2": {name: NAMES[name] for name in ("plan", "api", "reconcile")},
    "_systemd": {name: NAMES[name] for name in ("plan", "api", "reconcile")},
    "_release": {
        "errors": PURE,
        **dict.fromkeys(("releases", "virtualenvs", "npm_packages", "tools", "folders"), IO),
        **dict.fromkeys(("source_tree", "source_archive"), IO),
        "reconcile": JOIN,
    },
    "_deploy": {"gate": PURE, "hosts": PURE, "lock": IO, "worker_notes": IO, "host_check": IO},
    "_host": {
        "errors": PURE,
        "wanted": PURE,
        **dict.fromkeys(("private_file", "local_server", "programs", "log_end", "process"), IO),
        "module": ANSIBLE,
    },
}
"""The rooms, and the files of each by their kind. A file that is not here has no room yet."""

FLOORS = 4
"""A room stands one floor above the highest that it leans on; the ground floor leans on none."""

_LEANS_ON = {
    PURE: {PURE},
    IO: {PURE, IO, HELPER},
    JOIN: {PURE, IO, HELPER, JOIN},
    HELPER: {PURE},
    ANSIBLE: {PURE, IO, JOIN},
}
_PURE_STDLIB = {
    "__future__",
    "base64",
    "binascii",
    "collections",
    "copy",
    "dataclasses",
    "datetime",
    "difflib",
    "enum",
    "fnmatch",
    "functools",
    "hashlib",
    "itertools",
    "json",
    "math",
    "re",
    "typing",
}
_OUTSIDE = {
    PURE: _PURE_STDLIB,
    JOIN: _PURE_STDLIB | {"contextlib", "time"},
    IO: {*sys.stdlib_module_names, "botocore"},
    HELPER: _PURE_STDLIB | {"ansible_collections.amazon.aws"},
    ANSIBLE: _PURE_STDLIB | {"contextlib", "botocore", "ansible.module_utils.basic", "ansible_collections.amazon.aws"},
}
_ACTS = {"open", "print", "input", "exec", "eval", "compile", "__import__"}
_CLOCKS = {"now", "utcnow", "today"}


def sources(root: Path) -> dict[str, str]:
    """Return the files below ``root``, which is module_utils."""
    return {".".join(path.relative_to(root).with_suffix("").parts): path.read_text() for path in root.rglob("*.py")}


def kind_of(name: str) -> Kind | None:
    """Return the kind of a file, None for one that has no room."""
    room, _dot, file = name.rpartition(".")
    return HOUSE.get(room, {}).get(file)


def faults(files: Sources) -> list[str]:
    """Return every breach of the house's rules, one line each; empty for a house in order."""
    found = [f"{name}: has no room; give it one in HOUSE, or another name" for name in files if kind_of(name) is None]
    expected = {f"{room}.{file}".lstrip(".") for room, inside in HOUSE.items() for file in inside}
    found += [f"{name}: HOUSE names it, and there is no such file" for name in sorted(expected - set(files))]
    for name, text in files.items():
        kind = kind_of(name)
        if kind is not None:
            found += [f"{name}: {reason}" for reason in _faults_of(name, kind, text, files)]
    found += [f"{' -> '.join(cycle)}: a circle of imports" for cycle in _cycles(arrows(files))]
    found += [f"{' -> '.join(cycle)}: a circle of rooms" for cycle in _cycles(room_arrows(files))]
    return found


def arrows(files: Sources) -> dict[str, set[str]]:
    """Return for each file those of the house that it imports."""
    return {name: {target for target in _imports(name, text, files) if target in files} for name, text in files.items()}


def room_arrows(files: Sources) -> dict[str, set[str]]:
    """Return for each room those that its files import from; a file beside the rooms counts as one."""
    found: dict[str, set[str]] = {}
    for name, targets in arrows(files).items():
        room = _room(name)
        found.setdefault(room, set()).update({_room(target) for target in targets} - {room})
    return found


def floors(graph: Mapping[str, Iterable[str]]) -> dict[str, int]:
    """Return the floor of each; ``graph`` has no circle."""
    found: dict[str, int] = {}

    def floor(name: str) -> int:
        if name not in found:
            found[name] = 1 + max((floor(target) for target in graph[name]), default=0)
        return found[name]

    for name in graph:
        floor(name)
    return found


def _room(name: str) -> str:
    return name.partition(".")[0]


def _faults_of(name: str, kind: Kind, text: str, files: Sources) -> Iterator[str]:
    for target in _imports(name, text, files):
        if target in files:
            other = kind_of(target)
            if other is not None and other not in _LEANS_ON[kind]:
                yield f"is {kind.value} and imports {target}, which is {other.value}"
        elif not any(target == allowed or target.startswith(f"{allowed}.") for allowed in _OUTSIDE[kind]):
            yield f"is {kind.value} and imports {target}"
    if kind not in (PURE, JOIN):
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name) and node.func.id in _ACTS:
                yield f"is {kind.value} and calls {node.func.id}()"
            elif kind is PURE and isinstance(node.func, ast.Attribute) and node.func.attr in _CLOCKS:
                yield f"is pure and asks the clock by {node.func.attr}()"


def _imports(name: str, text: str, files: Sources) -> Iterator[str]:
    """Give what a file imports: names of the house as in ``files``, other modules by their full name."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield _inside(alias.name)
        elif isinstance(node, ast.ImportFrom):
            above = name.split(".")[: -node.level] if node.level else []
            base = _inside(".".join([*above, *([node.module] if node.module else [])]))
            for alias in node.names:
                # What is imported may be a file of the house or something in one.
                longer = f"{base}.{alias.name}".lstrip(".")
                yield longer if longer in files else base


def _inside(name: str) -> str:
    return name[len(PACKAGE) + 1 :] if name == PACKAGE or name.startswith(f"{PACKAGE}.") else name


def _cycles(graph: Mapping[str, Iterable[str]]) -> list[list[str]]:
    found: list[list[str]] = []
    done: set[str] = set()

    def visit(name: str, path: list[str]) -> None:
        if name in path:
            found.append([*path[path.index(name) :], name])
        elif name not in done:
            for target in sorted(graph.get(name, ())):
                visit(target, [*path, name])
            done.add(name)

    for name in sorted(graph):
        visit(name, [])
    return found
