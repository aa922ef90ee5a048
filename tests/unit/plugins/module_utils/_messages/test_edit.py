# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is changed in a message before it is sent on."""

from __future__ import annotations

import pytest

from ansible_collections.ecommerce.sqs.plugins.module_utils._messages.edit import MessageEdit, read_edit
from ansible_collections.ecommerce.sqs.plugins.module_utils._messages.filter import read_filter
from ansible_collections.ecommerce.sqs.plugins.module_utils._problems import InvalidInputError, Problems


def test_bad_filters_and_edits_are_refused_with_their_paths() -> None:
    problems = Problems()
    read_filter({"body_matches": "(", "minimum_age": -1, "bodies": "x"}, "filter", problems)
    read_edit(
        {"replace": [{"pattern": "a", "replacement": r"\2"}, {"replacement": "x"}], "remove_attributes": "x"},
        "edit",
        problems,
    )
    assert [error.split(":")[0] for error in problems.errors] == [
        "filter.bodies",
        "filter.minimum_age",
        "filter.body_matches",
        "edit.replace[0].replacement",
        "edit.replace[1].pattern",
        "edit.remove_attributes",
    ]


def test_an_edit_that_empties_the_body_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="is empty"):
        MessageEdit(replace=((".*", ""),)).apply({"MessageBody": "x"})
