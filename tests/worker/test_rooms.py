# SPDX-License-Identifier: GPL-3.0-or-later
"""The package's rooms know each other in one direction, and what is pure stays so: read from the imports."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter

import pytest

from checkout import WORKER

PACKAGE = WORKER / "sqs_worker"
ROOMS = ("observe", "layers", "handlers", "run", "command")
"""Each may import from those before it, and from the modules at the top."""
PURE = {
    "backoff": {"random", "dataclasses"},
    "run.breaker": {"collections.abc", "math", "sqs_worker.backoff"},
    "run.lanes": {"bisect", "collections", "collections.abc", "sqs_worker.run.job"},
    "run.limits": {"collections.abc"},
    "run.outcome": {
        "asyncio.CancelledError",
        "collections.abc",
        "dataclasses",
        "enum",
        "typing",
        "sqs_worker.backoff",
        "sqs_worker.errors",
    },
}
"""All that these may import: no clock, no loop, no I/O. Of a module that does I/O, a name alone."""


def imports() -> dict[str, set[str]]:
    """The modules (and names) that each module of the package imports, wherever in it; names without the package's."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[module] = set[str]()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found[module] |= {name.name for name in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found[module] |= {f"{node.module}.{name.name}" for name in node.names}
    return found


IMPORTS = imports()


def within(imported: set[str]) -> set[str]:
    """The modules of the package among what is imported."""
    names = {name.removeprefix("sqs_worker.") for name in imported if name.startswith("sqs_worker.")}
    return {name if name in IMPORTS else name.rpartition(".")[0] for name in names}


def room(module: str) -> str:
    return module.partition(".")[0]


@pytest.mark.parametrize("name", ROOMS)
def test_a_room_imports_from_those_before_it(name: str) -> None:
    mine = [module for module in IMPORTS if room(module) == name]
    assert mine
    beyond = ROOMS[ROOMS.index(name) + 1 :]
    assert not [(m, used) for m in mine for used in within(IMPORTS[m]) if room(used) in beyond]


def test_what_applications_import_needs_neither_handlers_nor_the_worker_itself() -> None:
    top = [module for module in IMPORTS if room(module) not in ROOMS and module != "__main__"]
    assert not [(m, used) for m in top for used in within(IMPORTS[m]) if room(used) in ("handlers", "run", "command")]


def test_no_module_imports_itself_by_way_of_others() -> None:
    # Importing from the package as a whole needs what the package itself imports.
    assert list(TopologicalSorter({module: within(used) for module, used in IMPORTS.items()}).static_order())


@pytest.mark.parametrize("module", sorted(PURE))
def test_what_is_pure_imports_no_clock_no_loop_and_no_io(module: str) -> None:
    allowed = {*PURE[module], "__future__"}
    assert not [name for name in IMPORTS[module] if name not in allowed and name.rpartition(".")[0] not in allowed]
