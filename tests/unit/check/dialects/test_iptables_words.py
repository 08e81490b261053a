from __future__ import annotations

import pytest

from splitdns.check.dialects.iptables_words import Line, options
from splitdns.errors import ConfigError


def line(text: str) -> Line:
    return Line("rules", 3, text, 4)


WORDS = [
    ("-A INPUT  -j\tDROP", ["-A", "INPUT", "-j", "DROP"]),
    ('--comment "a b"', ["--comment", "a b"]),
    (r'--comment "say \"hi\" \\ \'"', ["--comment", "say \"hi\" \\ '"]),
    ("--comment 'a \"b\"' -j X", ["--comment", 'a "b"', "-j", "X"]),
    ('--comment ""', ["--comment", ""]),
    ('--comment "a"b', ["--comment", "a", "b"]),
]


@pytest.mark.parametrize(("text", "words"), WORDS)
def test_words_are_as_the_tools_quote_them(text: str, words: list[str]) -> None:
    assert [word.text for word in line(text).words()] == words


def test_a_word_knows_its_column() -> None:
    assert [word.column for word in line("-A  INPUT").words()] == [1, 5]
    assert [word.column for word in line('-A  "a b" c').words()] == [1, 5, 11]


def test_a_quotation_that_is_never_closed_is_told() -> None:
    with pytest.raises(ConfigError, match='rules:3:4: expected a closing ", found the end of the line'):
        line('-A "a b').words()


OPTIONS = [
    ("-s 192.0.2.1 -j DROP", ["-s 192.0.2.1", "-j DROP"]),
    ("! -s 192.0.2.1 ! -i eth0", ["! -s 192.0.2.1", "! -i eth0"]),
    ("-s ! 192.0.2.1 -i ! eth0", ["! -s 192.0.2.1", "! -i eth0"]),
    ("--match-set a src,dst --syn ! --dport 1", ["--match-set a src,dst", "--syn", "! --dport 1"]),
    ("--comment --dport -j DROP", ["--comment --dport", "-j DROP"]),
    ('--comment "!" -j DROP', ["--comment !", "-j DROP"]),
]


@pytest.mark.parametrize(("text", "expected"), OPTIONS)
def test_options_take_the_words_up_to_the_next(text: str, expected: list[str]) -> None:
    found = line(text)

    assert [str(option) for option in options(found, found.words())] == expected


@pytest.mark.parametrize(("text", "column"), [("eth0 -j DROP", 1), ("-j DROP !", 9), ("! eth0", 3)])
def test_a_word_that_is_no_option_is_told(text: str, column: int) -> None:
    found = line(text)

    with pytest.raises(ConfigError, match=f"rules:3:{column}: expected an option"):
        list(options(found, found.words()))


def test_long_words_are_shown_in_short() -> None:
    found = line("x" * 100)

    assert found.wrong(found.words()[0], "a word").message == f"expected a word, found '{'x' * 37}…'"
