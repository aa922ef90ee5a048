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


@pytest.mark.parametrize(
    ("taken", "refused"),
    [
        ((0x20, 0x7E, 0xA0), (0x01, 0x08, 0x0B, 0x1F, 0x7F, 0x80, 0x85, 0x9F)),
        ((0x2027, 0x202A), (0x2028, 0x2029)),
        ((0xD7FF, 0xE000), (0xD800, 0xDFFF)),
        ((0xFDCF, 0xFDF0), (0xFDD0, 0xFDEF)),
        ((0xFFFD, 0x10000, 0x1FFFD, 0x20000), (0xFFFE, 0xFFFF, 0x1FFFE, 0x1FFFF, 0x10FFFE, 0x10FFFF)),
    ],
)
def test_characters_are_refused_from_the_first_to_the_last_of_their_kind(
    taken: tuple[int, ...], refused: tuple[int, ...]
) -> None:
    for code in taken:
        assert edit("", {"A": f"x{chr(code)}y"}).after == f"A='x{chr(code)}y'\n"
    for code in refused:
        with pytest.raises(DotenvError, match=f"U\\+{code:04X}"):
            edit("", {"A": f"xy{chr(code)}"})


@pytest.mark.parametrize("value", ["\t", "a\nb", "a\\b", "{B}", "$B", "a'b", '"', '\\"', "'", "''"])
def test_value_that_only_looks_odd_is_written(value: str) -> None:
    mark = '"' if "'" in value else "'"
    assert edit("", {"A": value}).after == f"A={mark}{value}{mark}\n"


@pytest.mark.parametrize(
    ("value", "text"),
    [(True, "true"), (False, "false"), (0, "0"), (12, "12"), (1.5, "1.5"), ("", ""), ("true", "true")],
)
def test_option_is_written_as_it_was_given(value: object, text: str) -> None:
    assert dotenv.plain_text("A", value) == text


@pytest.mark.parametrize(("value", "said"), [(None, "TOKEN has no value"), ([1], "TOKEN is a list"), ({}, "a dict")])
def test_option_that_is_not_one_value_is_refused_by_its_key(value: object, said: str) -> None:
    with pytest.raises(DotenvError, match=said):
        dotenv.plain_text("TOKEN", value)


@pytest.mark.parametrize("key", ["A", "a", "_A", "A_1", "UIDS", "MY_UID"])
def test_key_that_is_a_variable_everywhere_is_taken(key: str) -> None:
    assert edit("", {key: "x"}).after == f"{key}=x\n"


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


def test_key_that_stands_several_times_goes_everywhere() -> None:
    change = edit("A=1\nB=2\nexport A=3\nC=4\nC=5\n", {}, absent=["A", "C", "Z"])
    assert change.after == "B=2\n"
    assert change.removed == ["A", "C"]


def test_new_keys_follow_in_their_order() -> None:
    change = edit("", {"Z": "1", "A": "2"})
    assert change.after == "Z=1\nA=2\n"
    assert change.added == ["Z", "A"]
    assert change.is_change


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=x", "x"),
        ("A='x y'", "x y"),
        ('A="x y"', "x y"),
        ("A='x\ny'", "x\ny"),
        ("A='x$y'", "x$y"),
        ("A='it is \"x\"'", 'it is "x"'),
        ("A=''", ""),
        ('A="it\'s"', "it's"),
        # Where the readers differ.
        ("A=", None),
        ("A=x y", None),
        ("A =x", None),
        ("A= x", None),
        (" export A=x", None),
        ("export A='x'", None),
        ("A='x'y", None),
        ("A='x' # y", None),
        ("A = 'x'", None),
        ('A="x$y"', None),
        ('A="x`y"', None),
        ('A="x\\ny"', None),
        ("A='x\\'", None),
        ("A='${x}'", None),
        ("A='x'\r", None),
        ("A=x\r", None),
    ],
)
def test_value_is_read_only_where_all_readers_agree_on_it(line: str, value: str | None) -> None:
    (entry,) = dotenv.parse(f"{line}\n")
    assert (entry.key, entry.value) == ("A", value)
    if value is not None:
        assert not edit(f"{line}\n", {"A": value}).is_change


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('A="x\\"y"\n', "A"),
        ('A="x\\\\"\n', "A"),
        ("A='x\\'\n", "A"),
        ("A='x\n# no comment\nB=1'\n", "A"),
        ('A="x\n\'y"\n', "A"),
        ("A= 'x\ny'\n", "A"),
        ("A.b-c=x\n", "A.b-c"),
        ("\texport  A=x\n", "A"),
        ("A=", "A"),
        ("A='x'", "A"),
    ],
)
def test_assignment_goes_to_the_end_of_its_value(text: str, key: str) -> None:
    first, second = dotenv.parse(text + ("" if text.endswith("\n") else "\n") + "B=2\n")
    assert (first.text.rstrip("\n"), first.key) == (text.rstrip("\n"), key)
    assert (second.key, second.value) == ("B", "2")
    assert [entry.key for entry in dotenv.parse(text)] == [key]


@pytest.mark.parametrize("line", ["", "  ", "# A=x", "  # A=x", "; A=x", "A", "A B=x", "=x", "1A=x", "-A=x"])
def test_what_is_no_assignment_has_no_key(line: str) -> None:
    assert [entry.key for entry in dotenv.parse(f"{line}\nB=2\n")] == [None, "B"]


def test_last_line_without_line_end_is_not_glued_to_the_new_one() -> None:
    assert edit("B=2", {"A": "1"}).after == "B=2\nA=1\n"


@pytest.mark.parametrize("line", ["B=it's\n", "B='open\n", "# note \\\n", "B=x\\\n"])
def test_writing_below_a_line_that_swallows_what_follows_is_refused(line: str) -> None:
    with pytest.raises(DotenvError, match="line 2 of the file"):
        edit("C=1\n" + line, {"A": "1"})
    assert edit("A=0\n" + line, {"A": "1"}).after == "A=1\n" + line


@pytest.mark.parametrize(
    "line",
    [
        "it's\n", 'say "x\n', "; note \\\n", "  # note \\\n", "words \\\n", "A='x\n", 'A="x\\"\n', "A=x\\ # y\n",
        "A=it's # y\n",
    ],
)  # fmt: skip
def test_every_line_that_swallows_what_follows_is_known(line: str) -> None:
    with pytest.raises(DotenvError, match=r"line 1 of the file .*, B among them"):
        edit(line, {"B": "1"})
    assert edit(line, {}, absent=["B"]).after == line


@pytest.mark.parametrize(
    "line",
    [
        "# it's\n",
        "; it's\n",
        "# x\\y\n",
        "A=x # it's\n",
        "A=x # y\\\n",
        "A=''\n",
        "'x'\n",
        '"x" "y"\n',
        "A=x'y'\n",
        "A=x\\y\n",
    ],
)
def test_line_that_ends_where_it_seems_to_is_written_below(line: str) -> None:
    assert edit(line, {"B": "1"}).after == f"{line}B=1\n"


def test_the_first_line_that_swallows_others_is_named_by_its_number() -> None:
    text = "C='1\n2\n3'\n\n# fine\nit's\nsay \"x\nA=0\n"
    with pytest.raises(DotenvError, match="line 6 of the file has a quote"):
        edit(text, {"A": "1"})
    assert edit(text, {"C": "1"}).after == text.replace("'1\n2\n3'", "1")


def test_comment_that_moves_keeps_a_last_backslash_to_itself() -> None:
    assert edit("A=old # why\\\nB=2\n", {"A": "new"}).after == "# why\\ \nA=new\nB=2\n"
    assert edit("A='old'\t# why\n", {"A": "new"}).after == "# why\nA=new\n"
    assert edit("A=old#why\n", {"A": "new"}).after == "A=new\n"


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


def test_diff_shows_what_was_asked_for_and_hides_the_rest() -> None:
    text = "# note\n\n; old\nwords\nOTHER=1\nURL=http://u:hunter2@db\nMINE=old\nPW=a\nTOKEN=t\n"
    wanted = {"URL": "http://db", "MINE": "new", "PW": "b", "TOKEN": "t", "MORE": "1", "LINK": "http://u:x@db"}
    change = edit(text, wanted, absent=["OTHER"], secrets=["PW"])
    hidden = "********"
    assert change.masked_before == (
        f"# note\n\n{hidden}\n{hidden}\nOTHER={hidden}\nURL={hidden}\nMINE=old\nPW={hidden}\nTOKEN={hidden}\n"
    )
    assert change.masked_after == (
        f"# note\n\n{hidden}\n{hidden}\nURL=http://db\nMINE=new\nPW={hidden} (new value)\nTOKEN={hidden}\n"
        f"MORE=1\nLINK={hidden}\n"
    )


@pytest.mark.parametrize(
    "key", ["DB_PASSWORD", "SECRET", "my_token", "AWS_CREDENTIALS", "PRIVATE", "KEY", "API_KEY", "KEY_ID", "SENTRY_DSN"]
)
def test_key_that_sounds_like_a_secret_is_hidden(key: str) -> None:
    assert "sesame" not in edit("", {key: "sesame"}).masked_after
    assert edit("", {"MONKEY": "sesame"}).masked_after == "MONKEY=sesame\n"


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
    actual = {entry.key: entry.value for entry in dotenv.parse(first.after)}
    assert {key: actual.get(key) for key in wanted} == wanted
    assert not set(absent) & set(actual)
    others = [entry.text for entry in dotenv.parse(text) if entry.key not in {*wanted, *absent} and entry.text.strip()]
    assert all(other in first.after for other in others)
