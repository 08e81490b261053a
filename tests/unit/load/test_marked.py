"""YAML with places: what is read, what is a mistake, and where each mistake is."""

from __future__ import annotations

import doctest
import json
from itertools import pairwise
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from splitdns.errors import ConfigError, InputError, Problems, Where, ZoneError
from splitdns.load import marked
from splitdns.load.marked import MAX_CHARACTERS, MAX_DEPTH, Value, decode, read, scan

PARSERS = [yaml.SafeLoader, getattr(yaml, "CSafeLoader", yaml.SafeLoader)]


@pytest.fixture(params=PARSERS, ids=lambda parser: parser.__name__)
def either_parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both of PyYAML's parsers: with libyaml, and without."""
    monkeypatch.setattr(marked, "_Loader", request.param)


def mistakes(text: str) -> list[str]:
    with pytest.raises(ExceptionGroup) as caught:
        read(text, "f")
    assert all(type(error) is ConfigError for error in caught.value.exceptions)
    return [str(error) for error in caught.value.exceptions]


# --- What is read ---------------------------------------------------------------------------------------


@pytest.mark.usefixtures("either_parser")
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("0", 0),
        ("53", 53),
        ("-7", -7),
        ("+7", 7),
        ("'53'", "53"),
        ('"true"', "true"),
        ("''", ""),
        ("|\n  a\n  b\n", "a\nb\n"),
        ("a\n  b", "a b"),
    ],
)
def test_scalars_are_text_whole_numbers_true_false_and_null(text: str, value: Value) -> None:
    data = read(f"a: {text}", "f").data
    assert data == {"a": value}
    assert isinstance(data, dict)
    assert type(data["a"]) is type(value)


@pytest.mark.usefixtures("either_parser")
@pytest.mark.parametrize(
    "text",
    """
    no yes on off y n True FALSE Null = .inf .nan 1.5 1e3 1_000 2001-01-01 12:30 12:30:00 190:20:30
    010 00 -01 0o10 0x10 0b1 1234567890123456789
    """.split(),  # noqa: SIM905
)
def test_what_yaml_1_1_reads_as_something_else_stays_text(text: str) -> None:
    assert read(f"a: {text}", "f").data == {"a": text}


@pytest.mark.usefixtures("either_parser")
def test_keys_are_text_as_written() -> None:
    data = read("on: 1\n10: 2\n010: 3\nnull: 4\n~^x$: 6\n", "f").data
    assert data == {"on": 1, "10": 2, "010": 3, "null": 4, "~^x$": 6}


@pytest.mark.parametrize("text", ["", "\n", "# nothing\n", "---\n", "---\n...\n", "\ufeff"])
def test_an_empty_document_holds_none(text: str) -> None:
    assert read(text, "f").data is None


def test_a_byte_order_mark_does_not_shift_the_places() -> None:
    assert read("\ufeffa: 1", "f").where(("a",)) == Where("f", 1, 4)


@pytest.mark.skipif(len(set(PARSERS)) < 2, reason="PyYAML was built without libyaml")
def test_libyaml_is_used_where_it_is_there() -> None:
    assert marked._Loader is yaml.CSafeLoader


# --- Places ---------------------------------------------------------------------------------------------

PLACES = """\
listen: [127.0.0.1, "::1"]
views:
  lan:
    clients:
      - 10.0.0.0/8
      - {a: b}
"""


@pytest.mark.usefixtures("either_parser")
@pytest.mark.parametrize(
    ("path", "value", "key"),
    [
        ((), (1, 1), (1, 1)),
        (("listen",), (1, 9), (1, 1)),
        (("listen", 1), (1, 21), (1, 21)),
        (("views", "lan"), (4, 5), (3, 3)),
        (("views", "lan", "clients", 0), (5, 9), (5, 9)),
        (("views", "lan", "clients", 1, "a"), (6, 13), (6, 10)),
        (("views", "lan", "clients", 7), (5, 7), (4, 5)),  # not there: the longest part that is
        (("views", "lan", "clients", 0, "x", "y"), (5, 9), (5, 9)),
    ],
)
def test_every_value_and_key_has_its_place(
    path: marked.Path, value: tuple[int, int], key: tuple[int, int]
) -> None:
    document = read(PLACES, "f")
    assert document.where(path) == Where("f", *value)
    assert document.where_key(path) == Where("f", *key)


# --- Mistakes -------------------------------------------------------------------------------------------

MISTAKES = {
    "a: 1\nb: 2\na: 3\n": ["f:3:1: expected each key once, found 'a' again; the first is on line 1"],
    "a: &x 1\nb: *x\n": [
        "f:1:4: expected a value, found the anchor '&x'; text that starts with & needs quotes",
        "f:2:4: expected the value itself, found the alias '*x'; text that starts with * needs quotes",
    ],
    "<<: {a: 1}\n": ["f:1:1: expected the settings themselves, found the merge key '<<'"],
    "a: !!python/object:os.system x": [
        "f:1:4: expected a value, found the tag '!!python/object:os.system'; "
        "text that starts with ! needs quotes"
    ],
    "a: !local [1]": [
        "f:1:4: expected a value, found the tag '!local'; text that starts with ! needs quotes"
    ],
    "a: ! 1": ["f:1:4: expected a value, found the tag '!'; text that starts with ! needs quotes"],
    "a: 1\n---\nb: 2\n": ["f:2:1: expected one document, found a second one"],
    "[a]: 1\n{b: c}: 1\n": [
        "f:1:1: expected text as the key, found a list",
        "f:2:1: expected text as the key, found a mapping",
    ],
    "'': 1\n": ["f:1:1: expected a key, found nothing before ':'"],
    "a:\n\t- b\n": ["f:2:1: expected spaces, found a tab"],
    "a: [1, 2\nb: 3\n": ["f:2:2: expected ',' or ']' to go on after the '[' of line 1, found ':'"],
    "a: {b: 1\n": [
        "f:2:1: expected ',' or '}' to go on after the '{' of line 1, found the end of the file"
    ],
    "a: 'x\nb: 2\n": ["f:1:4: expected a closing ', found none"],
    'a: "x\n---\n"': ['f:1:4: expected a closing ", found none'],
    "a: b: c\n": [
        "f:1:5: expected no ': ' here, found ':'; "
        "text with ': ' in it needs quotes, and keys start in one column"
    ],
    "a: 1\nb\nc: 2\n": ["f:2:1: expected 'key: value', found 'b'"],
    "a: [::1]": ["f:1:5: expected a value, found '::1]'; text that starts with : needs quotes"],
    "a: [": ["f:1:5: expected a value, found the end of the file"],
    "a: 1\nb\n": ["f:2:1: expected 'key: value', found 'b'"],
    "@: {A: 192.0.2.1}\n": ["f:1:1: expected a value, found '@:'; text that starts with it needs quotes"],
    "*.apps: {A: 192.0.2.1}\n": [
        "f:1:1: expected a value, found '*.apps:'; text that starts with * needs quotes"
    ],
    'a: "\\xzz"\n': ["f:1:7: expected hexadecimal digits, found 'zz\"'"],
    "- a\nb: 1\n": ["f:2:1: expected '- ' under the one before, found 'b:'"],
    "a: 1\n- b\n": ["f:2:1: expected a key under the one before, found '-'"],
    "a: - b\n": ["f:1:4: expected the list's first '-' on a line of its own, found '-'"],
    "a: }\n": ["f:1:4: expected a value, found '}'"],
    "a: |x\n": ["f:1:5: expected a line break after | or >, found 'x'"],
    "%YAML 2.0\n---\na: 1\n": ["f:1:1: expected no line that starts with %, found '%YAML'"],
    "a: \x00\x1b": [
        "f:1:4: expected printable text, found the character U+0000",
        "f:1:5: expected printable text, found the character U+001B",
    ],
    "a: 1\r\nb: \u2028\n": ["f:2:4: expected printable text, found the character U+2028"],
}


@pytest.mark.usefixtures("either_parser")
@pytest.mark.parametrize("text", MISTAKES)
def test_a_mistake_says_where_and_what_was_expected_and_found(text: str) -> None:
    assert mistakes(text) == MISTAKES[text]


def test_a_regexp_in_double_quotes_gets_a_hint() -> None:
    assert read("a: '^www\\.'", "f").data == {"a": "^www\\."}
    assert read('a: "^www\\\\."', "f").data == {"a": "^www\\."}
    assert mistakes('a: "^www\\."') == [
        "f:1:9: expected a known escape after \\, found '\\\\.\"'; in single quotes \\ stands for itself"
    ]


def test_all_mistakes_of_a_file_are_reported_at_once() -> None:
    found = mistakes("a: &x 1\na: !t 2\nb: *x\nc: {<<: 1, d: 1, d: 2}\ne: 'x\n")
    assert [line.split(":")[1] for line in found] == ["1", "2", "2", "3", "4", "4", "5"]


def test_the_error_class_is_the_readers() -> None:
    with pytest.raises(ExceptionGroup) as caught:
        read("a: 1\na: 2\n", "f", ZoneError)
    assert [type(error) for error in caught.value.exceptions] == [ZoneError]


def test_scan_goes_on_after_what_it_can_leave_out() -> None:
    problems = Problems()
    document = scan("a: 1\na: 2\nb: *x\nc: !t [3]\n", "f", problems)
    assert document is not None
    assert document.data == {"a": 1, "b": "*x", "c": [3]}
    assert len(problems.errors) == 3


def test_scan_has_nothing_of_what_is_no_yaml() -> None:
    problems = Problems()
    assert scan("a: [", "f", problems) is None
    assert len(problems.errors) == 1


def test_aliases_cannot_multiply() -> None:
    bomb = "a: &a [x, x]\n" + "".join(f"{b}: &{b} [*{a}, *{a}]\n" for a, b in pairwise("abcdefghi"))
    assert len(mistakes(bomb)) == 9 + 16


@pytest.mark.usefixtures("either_parser")
def test_depth_is_limited() -> None:
    assert read("[" * MAX_DEPTH + "]" * MAX_DEPTH, "f").data
    expected = "f:1:33: expected at most 32 lists and mappings inside each other, found more"
    assert mistakes("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1)) == [expected]
    assert mistakes("[" * 1_000_000) == [expected]


def test_size_is_limited() -> None:
    assert read("#" * MAX_CHARACTERS, "f").data is None
    assert mistakes("#" * (MAX_CHARACTERS + 1)) == [
        f"f: expected at most {MAX_CHARACTERS:,} characters, found {MAX_CHARACTERS + 1:,}"
    ]


def test_a_binary_file_is_not_answered_with_a_line_for_each_octet() -> None:
    assert len(mistakes("\x01" * 100_000)) == marked.MAX_STRANGE


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (b"a: \xff", "f:1:4: expected UTF-8, found the octet 0xff"),
        (b"a: 1\n\xc3\xa9: \xe9\n", "f:2:4: expected UTF-8, found the octet 0xe9"),
        (b"\xef\xbb\xbfa: \xc3", "f:1:4: expected UTF-8, found the octet 0xc3"),
        ("a: 1".encode("utf-16"), "f:1:1: expected UTF-8, found UTF-16"),
    ],
)
def test_what_is_not_utf_8_has_a_place(octets: bytes, expected: str) -> None:
    with pytest.raises(ExceptionGroup) as caught:
        decode(octets, "f")
    assert [str(error) for error in caught.value.exceptions] == [expected]


def test_utf_8_is_decoded_with_and_without_a_byte_order_mark() -> None:
    assert decode("é".encode(), "f") == decode("é".encode("utf-8-sig"), "f") == "é"


# --- Properties -----------------------------------------------------------------------------------------

PRINTABLE = st.characters(
    codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"], exclude_characters="\ufeff\ufffe\uffff"
)
TEXT = st.text(PRINTABLE, max_size=12)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**17), 10**17) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT.filter(bool), inner, max_size=4),
    max_leaves=20,
)
# Text that comes near to YAML more often than chance would have it.
PIECES = (
    "a|b: |- |? |: |[|]|{|}|, |\n|\n  |\t|'|\"|\\|&x |*x|!t |!!int |>-\n|# c|%YAML 1.1\n|---\n|...\n|<<|~|1|"
    "é|\ud800|\x00|\r|\\x41|\\ud800|\\UFFFFFFFF|\u2028|\x85|`|@|!<|>|0"
)
NEARLY_YAML = st.lists(st.sampled_from(PIECES.split("|")), max_size=25).map("".join) | st.text(max_size=40)


def block(value: Any, indent: str = "") -> str:
    """A tiny emitter, in block style, so that what is read can be told from what was meant."""
    if isinstance(value, dict) and value:
        return "".join(f"\n{indent}{flow(key)}:{block(item, indent + '  ')}" for key, item in value.items())
    if isinstance(value, list) and value:
        return "".join(f"\n{indent}-{block(item, indent + '  ')}" for item in value)
    return f" {flow(value)}"


def flow(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


@given(VALUES)
def test_what_was_written_is_what_is_read(value: Any) -> None:
    assert read(block(value), "f").data == value
    assert read(flow(value), "f").data == value


@given(VALUES)
def test_every_path_has_a_place_of_its_own_file(value: Any) -> None:
    text = block(value)
    lines = text.split("\n")
    document = read(text, "f")

    def walk(at: marked.Path, inner: Any) -> None:
        where = document.where(at)
        assert lines[where.line - 1][where.column - 1 :].strip() or not text.strip()
        if isinstance(inner, dict):
            for key, item in inner.items():
                place = document.where_key((*at, key))
                assert lines[place.line - 1][place.column - 1 :].startswith(flow(key))
                walk((*at, key), item)
        elif isinstance(inner, list):
            for index, item in enumerate(inner):
                walk((*at, index), item)

    walk((), value)


@given(NEARLY_YAML, st.sampled_from(PARSERS))
def test_any_text_gives_data_or_errors_with_places_and_nothing_else(text: str, parser: Any) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(marked, "_Loader", parser)
        try:
            data = read(text, "f").data
        except ExceptionGroup as group:
            lines = text.count("\n") + text.count("\r") + 1
            for error in group.exceptions:
                assert isinstance(error, InputError)
                assert error.message.startswith("expected ")
                assert error.where.line <= lines
                str(error).encode()
        else:
            json.dumps(data).encode()


@given(st.binary(max_size=40))
def test_any_octets_are_text_or_an_error(octets: bytes) -> None:
    try:
        assert decode(octets, "f").encode() == octets.removeprefix(b"\xef\xbb\xbf")
    except* ConfigError:
        pass


def test_the_modules_example_is_true() -> None:
    assert doctest.testmod(marked).failed == 0
