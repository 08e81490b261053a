"""JSON of which every value has its place: objects, lists and what is in them.

>>> item = parse('{"a": [1, true]}', "f")
>>> [(str(one.where), one.text) for one in item.get("a").items()]
[('f:1:8', '1'), ('f:1:11', 'true')]
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from json.decoder import scanstring  # type: ignore[attr-defined]

from splitdns.errors import ConfigError, Where
from splitdns.value import value

MAX_DEPTH = 60  # of brackets within each other; what is deeper is no gateway's configuration

_SPACE = re.compile(r"[ \t\r\n]*")
_WORD = re.compile(r"true|false|null|-?[0-9]{1,30}(?:\.[0-9]{1,30})?(?:[eE][+-]?[0-9]{1,3})?")


_NAMED = {"true": True, "false": False, "null": None}


@value(frozen=True, slots=True)
class Item:
    """A value and where it begins."""

    value: dict[str, Item] | list[Item] | str | int | float | bool | None
    where: Where

    def get(self, key: str) -> Item:
        """What an object has under ``key``; nothing, if it is no object or has no such key."""
        found = self.value.get(key) if isinstance(self.value, dict) else None
        return Item(None, self.where) if found is None else found

    def items(self) -> Iterator[Item]:
        """The elements of a list, or none."""
        yield from self.value if isinstance(self.value, list) else ()

    def fields(self) -> Iterator[tuple[str, Item]]:
        """The fields of an object, or none."""
        yield from self.value.items() if isinstance(self.value, dict) else ()

    @property
    def text(self) -> str:
        """A word of it, as JSON writes it but for quotes; empty for what has none."""
        if isinstance(self.value, str):
            return self.value.strip()
        if isinstance(self.value, bool):
            return str(self.value).lower()
        return str(self.value) if isinstance(self.value, int | float) else ""

    @property
    def is_true(self) -> bool:
        return self.text in ("true", "1", "enabled", "yes")


class _Reader:
    def __init__(self, text: str, file: str) -> None:
        self._text = text
        self._file = file
        self._lines = [0, *(match.end() for match in re.finditer("\n", text))]

    def where(self, at: int) -> Where:
        line = bisect_right(self._lines, at)
        return Where(self._file, line, at - self._lines[line - 1] + 1)

    def wrong(self, at: int, expected: str) -> ConfigError:
        found = self._text[at : at + 20] or "the end"
        return ConfigError(self.where(min(at, len(self._text))), f"expected {expected}, found {found!r}")

    def space(self, at: int) -> int:
        match = _SPACE.match(self._text, at)
        assert match is not None
        return match.end()

    def string(self, at: int) -> tuple[str, int]:
        try:
            found, end = scanstring(self._text, at + 1, True)
        except json.JSONDecodeError:
            raise self.wrong(at, "a string") from None
        return found.encode("utf-8", "replace").decode(), end

    def value(self, at: int, depth: int) -> tuple[Item, int]:
        at = self.space(at)
        if depth > MAX_DEPTH:
            raise self.wrong(at, f"at most {MAX_DEPTH} brackets within each other")
        where = self.where(at)
        match self._text[at : at + 1]:
            case "{":
                fields, end = self.members(at + 1, depth)
                return Item(fields, where), end
            case "[":
                elements, end = self.elements(at + 1, depth)
                return Item(elements, where), end
            case '"':
                found, end = self.string(at)
                return Item(found, where), end
        match = _WORD.match(self._text, at)
        if match is None:
            raise self.wrong(at, "a value")
        return Item(_scalar(match[0]), where), match.end()

    def members(self, at: int, depth: int) -> tuple[dict[str, Item], int]:
        found: dict[str, Item] = {}
        at = self.space(at)
        if self._text[at : at + 1] == "}":
            return found, at + 1
        while True:
            at = self.space(at)
            if self._text[at : at + 1] != '"':
                raise self.wrong(at, "a name in quotes")
            key, at = self.string(at)
            at = self.space(at)
            if self._text[at : at + 1] != ":":
                raise self.wrong(at, ":")
            found[key], at = self.value(at + 1, depth + 1)
            at = self.space(at)
            if self._text[at : at + 1] == "}":
                return found, at + 1
            if self._text[at : at + 1] != ",":
                raise self.wrong(at, ", or }")
            at += 1

    def elements(self, at: int, depth: int) -> tuple[list[Item], int]:
        found: list[Item] = []
        at = self.space(at)
        if self._text[at : at + 1] == "]":
            return found, at + 1
        while True:
            item, at = self.value(at, depth + 1)
            found.append(item)
            at = self.space(at)
            if self._text[at : at + 1] == "]":
                return found, at + 1
            if self._text[at : at + 1] != ",":
                raise self.wrong(at, ", or ]")
            at += 1


def _scalar(word: str) -> int | float | bool | None:
    if word in _NAMED:
        return _NAMED[word]
    return int(word) if word.lstrip("-").isdecimal() else float(word)


def parse(text: str, file: str) -> Item:
    """The one value that ``text`` is.

    Raises:
        ConfigError: it is not JSON, with the place.
    """
    reader = _Reader(text, file)
    item, at = reader.value(0, 0)
    at = reader.space(at)
    if at < len(text):
        raise reader.wrong(at, "the end")
    return item
