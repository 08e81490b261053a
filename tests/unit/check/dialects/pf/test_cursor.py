"""Where the grammar is: lists, macros, and what was expected."""

from __future__ import annotations

import pytest

from splitdns.check.dialects.pf.cursor import Cursor
from splitdns.check.dialects.pf.words import MAX_DEPTH, MAX_WORDS
from splitdns.errors import ConfigError


def cursor(text: str, **macros: str) -> Cursor:
    return Cursor(text, "pf.conf", macros)


def names(of: Cursor) -> list[str]:
    return of.several(lambda: of.name("a name"))


@pytest.mark.parametrize(
    "text", ["{ a b c }", "{a, b, c}", "{ a\n b,\n\n c\n}", "{ a { b c } }", "{ $two c }", "$three"]
)
def test_a_list_has_commas_or_not_and_as_many_lines_as_it_takes(text: str) -> None:
    assert names(cursor(text, two="a b", three="{ $two c }")) == ["a", "b", "c"]


def test_one_word_is_a_list_of_one() -> None:
    assert names(cursor("a b")) == ["a"]


def test_what_follows_a_macro_without_a_space_belongs_to_it() -> None:
    assert names(cursor("$int:network", int="em1")) == ["em1:network"]
    assert names(cursor("{ $int :network }", int="em1")) == ["em1", ":network"]


def test_a_list_without_its_end_is_told() -> None:
    with pytest.raises(ConfigError, match="expected a name, found the end of the file"):
        names(cursor("{ a b"))


def test_macros_that_name_each_other_end() -> None:
    with pytest.raises(ConfigError, match=f"at most {MAX_DEPTH} deep"):
        names(cursor("$a", a="$b", b="$a"))


def test_macros_that_grow_end() -> None:
    macros = {f"m{at}": f"$m{at + 1} " * 10 for at in range(10)}
    with pytest.raises(ConfigError, match=f"at most {MAX_WORDS} words"):
        names(cursor("{ $m0 }", **macros, m10="a"))


def test_a_macro_that_is_not_there_is_told() -> None:
    with pytest.raises(ConfigError, match=r"pf.conf:1:1: expected a macro that is defined before, found \$a"):
        names(cursor("$a"))


def test_the_rest_of_a_line_is_skipped_with_its_blocks() -> None:
    at = cursor("wrong { one\n two }\nright")
    at.rest()
    at.lines()

    assert at.name("a name") == "right"


def test_what_is_in_brackets() -> None:
    at = cursor("(max 5, (x)) state")

    assert [word.text for word in at.in_brackets()] == ["max", "5", ",", "(", "x", ")"]
    assert at.skip("state")
    assert at.at_end()
