"""The JSON of ``nft -j list ruleset``: its objects one by one, each with its place.

One object is one thing of the ruleset (libnftables-json(5)): a table, a chain, a set, a rule. ``json`` tells
no places, so the outer array is taken apart here and only its elements are left to ``json``; a place costs no
more than that, and holds for a file on one line too. What is inside is read by shape: what has not the shape
that nft prints is ``Misshapen``, and the reader says where.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from splitdns.errors import ConfigError, Where

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"

_SPACE = re.compile(r"[ \t\r\n]*")
_START = re.compile(r'[ \t\r\n]*\{[ \t\r\n]*"nftables"[ \t\r\n]*:[ \t\r\n]*\[')
_END = re.compile(r"[ \t\r\n]*\][ \t\r\n]*\}[ \t\r\n]*\Z")
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_COMMANDS = frozenset(
    {"add", "replace", "create", "insert", "delete", "list", "reset", "flush", "rename", "destroy"}
)
_EXPECTED = "expected the output of 'nft -j list ruleset'"


class Misshapen(Exception):  # noqa: N818 - the reader makes a ConfigError of it, with the place
    """Not of the shape that nft prints; the text says what was expected."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing of the ruleset: ``what`` is "table", "chain", "rule", …"""

    where: Where
    what: str
    body: dict[str, Json]


def items(text: str, file: str) -> Iterator[Item]:
    """Each thing of the ruleset, in order.

    Raises:
        ConfigError: it is not JSON, or not of nft's shape, or nested too deeply.
    """
    lines = [0, *(match.end() for match in re.finditer("\n", text))]

    def place(at: int) -> Where:
        line = bisect_right(lines, at)
        return Where(file, line, at - lines[line - 1] + 1)

    start = _START.match(text)
    if start is None:
        raise ConfigError(place(_space(text, 0)), f'{_EXPECTED}, which begins with {{"nftables": [')
    at = _space(text, start.end())
    while not text.startswith("]", at):
        value, end = _decode(text, at, place)
        if _SURROGATE.search(text, at, end):
            _check_characters(value, place(at))
        yield _item(value, place(at))
        at = _space(text, end)
        if text.startswith(",", at):
            at = _space(text, at + 1)
            if text.startswith("]", at):
                raise ConfigError(place(at), "expected another object after the comma, found ']'")
        elif not text.startswith("]", at):
            raise ConfigError(place(at), f"expected ',' or ']' here, found {_found(text, at)}")
    if _END.match(text, at) is None:
        raise ConfigError(place(_space(text, at + 1)), "expected '}' and the end after the ruleset")


def mapping(value: Json, what: str) -> dict[str, Json]:
    """``value`` as an object.

    Raises:
        Misshapen: it is none.
    """
    if not isinstance(value, dict):
        raise Misshapen(f"expected {what} as an object, found {shown(value)}")
    return value


def listed(value: Json, what: str) -> list[Json]:
    """``value`` as an array.

    Raises:
        Misshapen: it is none.
    """
    if not isinstance(value, list):
        raise Misshapen(f"expected {what} as an array, found {shown(value)}")
    return value


def word(value: Json, what: str) -> str:
    """``value`` as a string.

    Raises:
        Misshapen: it is none.
    """
    if not isinstance(value, str):
        raise Misshapen(f"expected {what} as a string, found {shown(value)}")
    return value


def whole(value: Json, what: str) -> int:
    """``value`` as a whole number.

    Raises:
        Misshapen: it is none.
    """
    if not isinstance(value, int) or isinstance(value, bool):
        raise Misshapen(f"expected {what} as a whole number, found {shown(value)}")
    return value


def only(value: Json, what: str) -> tuple[str, Json]:
    """The key and the value of an object with one key, as statements and most expressions are.

    Raises:
        Misshapen: it is none.
    """
    pairs = mapping(value, what)
    if len(pairs) != 1:
        raise Misshapen(f"expected {what} as an object with one key, found {shown(value)}")
    return next(iter(pairs.items()))


def shown(value: Json) -> str:
    """For an error message, cut short."""
    text = json.dumps(value, ensure_ascii=True)
    return text if len(text) <= 60 else text[:57] + "…"


def _decode(text: str, at: int, place: Callable[[int], Where]) -> tuple[Json, int]:
    try:
        value, end = _DECODER.raw_decode(text, at)
    except json.JSONDecodeError as error:
        raise ConfigError(place(error.pos), f"this is not JSON: {error.msg}") from None
    except RecursionError:
        raise ConfigError(place(at), "this object is nested too deeply") from None
    except ValueError as error:  # a number of more digits than int() takes
        raise ConfigError(place(at), f"this object cannot be read: {error}") from None
    return value, end


def _item(value: Json, where: Where) -> Item:
    if not isinstance(value, dict) or len(value) != 1:
        raise ConfigError(where, f"{_EXPECTED}: an object with one key, found {_short(value)}")
    what, body = next(iter(value.items()))
    if what in _COMMANDS:
        raise ConfigError(where, f"this is a command, {what!r}, and not what a kernel holds; {_EXPECTED}")
    if not isinstance(body, dict):
        raise ConfigError(where, f"expected an object as {what[:60]!r}, found {_short(body)}")
    return Item(where, what, body)


def _check_characters(value: Json, where: Where) -> None:
    """Half a surrogate pair is valid JSON, and cannot be printed."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except (UnicodeEncodeError, RecursionError):
        raise ConfigError(where, "this object holds characters that are none") from None


def _short(value: Json) -> str:
    try:
        return shown(value)
    except RecursionError:
        return "something nested too deeply"


def _space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _found(text: str, at: int) -> str:
    return repr(text[at : at + 10]) if at < len(text) else "the end of the file"


_DECODER = json.JSONDecoder()
