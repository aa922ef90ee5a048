# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mutates one file of the tree it is started in, runs its tests on each mutant, and writes what became of them.

usage: python mutate.py PATH    in a tree that tests/mutate laid out, with mutmut's settings

What is found goes to result.json as ``{"killed": n, "total": n, "survivors": [{"name": ..., "diff": ...}]}``. What was
decided before the program was ended is kept by mutmut in mutants/, and only the rest is done when it is started again.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import libcst
from ansible.utils.collection_loader._collection_finder import _AnsibleCollectionFinder
from mutmut import __main__ as mutmut
from mutmut.mutation import mutators
from mutmut.mutation.data import SourceFileMutationData
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.mutation.file_mutation import mutate_file_contents

MUTANTS = Path("mutants")
EXAMPLES = 10
"""Of a property, for each mutant; always the same ones, or a mutant would be killed on one day and not on another."""
NOT_RUN, NO_TESTS, PASSED = None, 33, 0
_change_string = mutators.operator_string


def change_what_programs_read(node: libcst.BaseString) -> Iterable[libcst.BaseString]:
    """Mutate keys and other words alone: a string with a space in it is for people, and no test holds a wording."""
    if not (isinstance(node, libcst.SimpleString) and " " in node.value):
        yield from _change_string(node)


class FewExamples(hypothesis.settings):
    """The settings of properties: few examples also where a test asks for many, and the same ones each time."""

    def __init__(self, *args: Any, max_examples: int = EXAMPLES, **kwargs: Any) -> None:
        kwargs.update(derandomize=True, database=None)
        super().__init__(*args, max_examples=min(max_examples, EXAMPLES), **kwargs)


def short_name(mutant: str) -> str:
    """Return the function and the number of a mutant, such as ``Place.arn_3``."""
    name = mutant.rpartition(".")[2].removeprefix("x_").removeprefix("xǁ")
    return name.replace("ǁ", ".").replace("__mutmut", "")


def survivors(data: SourceFileMutationData) -> Iterator[dict[str, str]]:
    """Yield the mutants that no test noticed, with the lines that they change."""
    for name, status in data.exit_code_by_key.items():
        if status in (NOT_RUN, NO_TESTS, PASSED):
            changes = get_diff_for_mutant(name, path=data.path).splitlines()[2:]
            remark = {NOT_RUN: " (not run)", NO_TESTS: " (no test gets there)"}.get(status, "")
            yield {"name": short_name(name) + remark, "diff": "\n".join(line for line in changes if line[:1] in "+-")}


def main() -> None:
    path = sys.argv[1]
    mutators.mutation_operators[:] = [
        (kind, change_what_programs_read if operator is _change_string else operator)
        for kind, operator in mutators.mutation_operators
    ]
    hypothesis.settings = FewExamples  # type: ignore[misc]
    (MUTANTS / "ansible_collections").mkdir(parents=True, exist_ok=True)  # or Ansible would leave it out
    _AnsibleCollectionFinder(paths=[str(MUTANTS.absolute())])._install()

    result: dict[str, Any] = {"killed": 0, "total": 0, "survivors": []}
    if mutate_file_contents(path, Path(path).read_text(encoding="utf-8")).mutant_names:
        mutmut._run((), None)
        data = SourceFileMutationData(path=path)
        data.load()
        result["survivors"] = list(survivors(data))
        result["total"] = len(data.exit_code_by_key)
        result["killed"] = result["total"] - len(result["survivors"])
    Path("result.json").write_text(json.dumps(result), encoding="utf-8")


if __name__ == "__main__":
    main()
