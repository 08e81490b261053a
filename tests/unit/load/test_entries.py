from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from splitdns.load.entries import MAX_ENTRY_CHARACTERS, TOKEN, Entry, EntryError, entry


def joined(text: str) -> Entry:
    lines = iter(text.split("\n"))
    return entry(next(lines), 1, lambda: next(lines, None))


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("www A 192.0.2.1", ["www", "A", "192.0.2.1"]),
        ("www A 192.0.2.1 ; the web", ["www", "A", "192.0.2.1"]),
        ("@ SOA ns1 (\n 1 ; serial\n 2 )\nnext A 1", ["@", "SOA", "ns1", "1", "2"]),
        ("t TXT (a)(b)", ["t", "TXT", "a", "b"]),
        ('t TXT "a ; (b" c', ["t", "TXT", '"a ; (b"', "c"]),
        (r't TXT "a\"b" c\;d', ["t", "TXT", r'"a\"b"', r"c\;d"]),
        (r"a\.b\( A 1", [r"a\.b\(", "A", "1"]),
        ("; all of it", []),
        ("", []),
    ],
)
def test_an_entry_is_one_line_without_comments_and_parentheses__rfc1035_5_1(
    text: str, tokens: list[str]
) -> None:
    assert [match[0] for match in TOKEN.finditer(joined(text).text)] == tokens


def test_every_piece_of_an_entry_remembers_its_line_and_column() -> None:
    found = joined("@ SOA ns1 (\n  1 ; serial\n    2 )")
    places = {match[0]: found.place(match.start()) for match in TOKEN.finditer(found.text)}
    assert places == {"@": (1, 1), "SOA": (1, 3), "ns1": (1, 7), "1": (2, 3), "2": (3, 5)}


@pytest.mark.parametrize(
    ("text", "message", "line", "column"),
    [
        ("t TXT (a\nb", "expected a ) to match this (, found none", 1, 7),
        ("t TXT (a\n(b", "expected a ) to match this (, found none", 1, 7),
        ("t TXT a )", "expected a ( before this ), found none", 1, 9),
        ('t TXT "a', 'expected a " to end this string on its line, found none', 1, 7),
        ('t TXT (\n"a)', 'expected a " to end this string on its line, found none', 2, 1),
        ("t TXT a\\", "expected a character after \\, found the line's end", 1, 8),
    ],
)
def test_what_does_not_match_is_an_error_at_its_place(
    text: str, message: str, line: int, column: int
) -> None:
    with pytest.raises(EntryError) as caught:
        joined(text)
    assert (caught.value.message, caught.value.line, caught.value.column) == (message, line, column)


def test_an_entry_longer_than_any_record_is_not_read_to_the_end_of_the_file() -> None:
    read = 0

    def more() -> str:
        nonlocal read
        read += 1
        return "a" * 1000

    with pytest.raises(EntryError):
        entry("t TXT (", 1, more)
    assert read <= MAX_ENTRY_CHARACTERS // 1000 + 1


@given(st.text(alphabet='ab \t;()"\\\n'))
def test_any_text_is_an_entry_or_an_entry_error(text: str) -> None:
    with contextlib.suppress(EntryError):
        found = joined(text)
        assert "\n" not in found.text
        assert all(char not in found.text or "\\" in text or '"' in text for char in "();")
