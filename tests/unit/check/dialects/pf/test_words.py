"""Words of a pf.conf and their places."""

from __future__ import annotations

import pytest

from splitdns.check.dialects.pf.words import Words
from splitdns.errors import ConfigError


def words(text: str) -> list[str]:
    return [word.text for word in Words(text, "pf.conf") if word.kind != "end"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("port 1024:65535", ["port", "1024:65535"]),
        ("port 80 >< 90", ["port", "80", "><", "90"]),
        ("rdr ... -> 10.0.0.1", ["rdr", "...", "->", "10.0.0.1"]),
        ("from !10/8", ["from", "!", "10", "/", "8"]),
        ("from <t-1>", ["from", "<", "t-1", ">"]),
        ("to 10.0.0.1-10.0.0.9", ["to", "10.0.0.1-10.0.0.9"]),
        ("flags S/SA # the usual", ["flags", "S", "/", "SA"]),
        ("on $ext_if", ["on", "ext_if"]),
        ('a = "b\n c"', ["a", "=", "b  c"]),
        ("pass \\\n in", ["pass", "in"]),
        ("# a comment \\\n goes on\npass", ["pass"]),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_a_word_knows_its_place() -> None:
    last = [word for word in Words("pass \\\n  in\nblock out\n", "f") if word.kind == "word"][-1]

    assert str(last.where) == "f:3:7"


def test_a_macro_s_words_stand_where_it_is_named() -> None:
    text = Words("on $if", "f")
    name = list(text)[1]

    assert [(one.text, str(one.where)) for one in text.put_in("{ em0, em1 }", name)] == [
        (one, "f:1:4") for one in ("{", "em0", ",", "em1", "}")
    ]


def test_what_is_no_word_is_told() -> None:
    with pytest.raises(ConfigError, match=r"pf.conf:1:6: expected a word of pf.conf, found '\"'"):
        words('pass "in')


def test_a_rule_is_shown_on_one_line_and_without_comments() -> None:
    text = Words("pass in \\\n   on em0 # uplink\n", "f")
    found = [word for word in text if word.kind == "word"]

    assert text.said(found[0], found[-1]) == "pass in on em0"
