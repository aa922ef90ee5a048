# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ecommerce.sqs.plugins.module_utils._dotenv import text as dotenv
from ansible_collections.ecommerce.sqs.plugins.module_utils._dotenv.text import DotenvError, edit

FOREIGN = """# The payment service

export LEGACY=1
DATABASE_URL="postgres://u:hunter2@db/pay"   # primary
KEY='-----BEGIN-----
not a KEY=value
-----END-----'
  INDENTED = x
not an assignment
"""


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("ap-southeast-1", "A=ap-southeast-1\n"),
        ("https://sqs.eu-west-1.amazonaws.com/123/q.fifo", "A=https://sqs.eu-west-1.amazonaws.com/123/q.fifo\n"),
        ("", "A=''\n"),
        ("two words", "A='two words'\n"),
        ("a # b", "A='a # b'\n"),
        ('$HOME `id` "x"', "A='$HOME `id` \"x\"'\n"),
        ("it's", 'A="it\'s"\n'),
        ("~/x", "A='~/x'\n"),
        ("C:\\new", "A='C:\\new'\n"),
        ("line\nline", "A='line\nline'\n"),
        ("überall", "A='überall'\n"),
    ],
)
def test_value_is_written_in_the_form_all_readers_share(value: str, written: str) -> None:
    assert edit("", {"A": value}).after == written


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("a${B}", "python-dotenv"),
        ('it\'s "x"', "both a single and a double quote"),
        ("it's $5", "both a single quote and $"),
        ("it's `x`", "both a single quote and `"),
        ("it's \\n", "both a single quote and"),
        ("ends\\", "ends with a backslash"),
        ("a\\\\b", "two backslashes"),
        ("a\rb", "U+000D"),
        ("a\x00b", "U+0000"),
        ("a\u2028b", "U+2028"),
        ("a\udc80b", "U+DC80"),
        ("a\ufdd0b", "U+FDD0"),
    ],
)
def test_value_that_readers_disagree_on_is_refused_without_showing_it(value: str, reason: str) -> None:
    with pytest.raises(DotenvError) as caught:
        edit("", {"A": "hunter2" + value})
    assert reason in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert "A" in str(caught.value)


@pytest.mark.parametrize("key", ["1A", "A-B", "A B", "", "A=B", "UID", "SHELLOPTS", "RANDOM", "_"])
def test_key_that_is_no_variable_everywhere_is_refused(key: str) -> None:
    with pytest.raises(DotenvError, match="the key"):
        edit("", {key: "x"})


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(DotenvError) as caught:
        edit("", {"UID": "1", "A": "${B}", "C": "d\\"}, absent=["C"])
    assert str(caught.value).count(";") == 3


def test_other_lines_comments_and_order_stay() -> None:
    change = edit(FOREIGN, {"NEW": "1"}, absent=["LEGACY"])
    assert change.after == FOREIGN.replace("export LEGACY=1\n", "") + "NEW=1\n"
    assert (change.added, change.modified, change.removed) == (["NEW"], [], ["LEGACY"])


def test_key_keeps_its_place_and_a_multiline_value_is_replaced_whole() -> None:
    change = edit(FOREIGN, {"KEY": "short"})
    assert change.after == FOREIGN.replace(FOREIGN[FOREIGN.index("KEY='") : FOREIGN.index("  INDENTED")], "KEY=short\n")


def test_comment_behind_a_rewritten_value_is_kept_above_it() -> None:
    assert edit("A=old # why\n", {"A": "new"}).after == "# why\nA=new\n"
    assert edit('A="old" # why\n', {"A": "old"}).after == "# why\nA=old\n"


def test_quoting_that_every_reader_accepts_is_left_alone() -> None:
    text = "A=\"plain\"\nB='plain'\n"
    assert not edit(text, {"A": "plain", "B": "plain"}).is_change


@pytest.mark.parametrize("line", ["export A=x\n", "A = x\n", "A=x\r\n", "A=x # note\n", 'A="x\\n"\n'])
def test_spelling_that_one_reader_takes_otherwise_is_rewritten(line: str) -> None:
    change = edit(line, {"A": "x"})
    assert change.after.endswith("A=x\n")
    assert change.modified == ["A"]


def test_duplicates_become_one_where_the_last_stood() -> None:
    assert edit("A=1\nB=2\nA=3\nC=4\n", {"A": "3"}).after == "B=2\nA=3\nC=4\n"


def test_last_line_without_line_end_is_not_glued_to_the_new_one() -> None:
    assert edit("B=2", {"A": "1"}).after == "B=2\nA=1\n"


@pytest.mark.parametrize("line", ["B=it's\n", "B='open\n", "# note \\\n", "B=x\\\n"])
def test_writing_below_a_line_that_swallows_what_follows_is_refused(line: str) -> None:
    with pytest.raises(DotenvError, match="line 2 of the file"):
        edit("C=1\n" + line, {"A": "1"})
    assert edit("A=0\n" + line, {"A": "1"}).after == "A=1\n" + line


@pytest.mark.parametrize("line", ["A=\0b", "# caf\udce9", "\x7fELF\0\0"])
def test_file_that_is_no_text_is_refused(line: str) -> None:
    with pytest.raises(dotenv.DotenvError, match=r"line 2 of the file holds bytes that are no UTF-8 text"):
        edit(f"OK=1\n{line}\n", {})


def test_diff_masks_secrets_unknown_keys_and_urls_with_passwords() -> None:
    change = edit(
        FOREIGN + "MINE=visible\n",
        {"MINE": "new", "DATABASE_URL": "postgres://u:swordfish@db/pay", "API_KEY": "sesame"},
        secrets=["PW"],
    )
    shown = change.masked_before + change.masked_after
    for hidden in ("hunter2", "swordfish", "sesame", "BEGIN", "not an assignment"):
        assert hidden not in shown
    assert "MINE=visible\n" in change.masked_before
    assert "MINE=new\n" in change.masked_after
    assert change.masked_before != change.masked_after


def test_changed_secret_shows_as_changed() -> None:
    change = edit("PW=a\n", {"PW": "b"}, secrets=["PW"])
    assert change.masked_before == "PW=********\n"
    assert change.masked_after == "PW=******** (new value)\n"


keys = st.from_regex(r"[A-Z][A-Z0-9_]{0,6}", fullmatch=True).filter(lambda key: dotenv.check_key(key) is None)
values = st.text(max_size=20).filter(lambda value: dotenv.refusal(value) is None)
files = st.lists(
    st.one_of(
        st.builds("{}={}".format, keys, values.map(dotenv.quote)),
        st.sampled_from(["", "# note", "export X=1", "Y = z", "A=b # c", "plain words", "Q='a\nb'"]),
    )
).map("\n".join)


@given(st.text())
def test_parsing_loses_no_character(text: str) -> None:
    assert "".join(entry.text for entry in dotenv.parse(text)) == text


@given(files, st.dictionaries(keys, values), st.lists(keys))
def test_second_edit_changes_nothing_and_other_lines_stay(text: str, wanted: dict[str, str], absent: list[str]) -> None:
    absent = [key for key in absent if key not in wanted]
    first = edit(text, wanted, absent)
    assert not edit(first.after, wanted, absent).is_change
    held = {entry.key: entry.value for entry in dotenv.parse(first.after)}
    assert {key: held.get(key) for key in wanted} == wanted
    assert not set(absent) & set(held)
    others = [entry.text for entry in dotenv.parse(text) if entry.key not in {*wanted, *absent} and entry.text.strip()]
    assert all(other in first.after for other in others)
