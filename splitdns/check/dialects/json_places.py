"""JSON with places: the elements of an array one by one, each with the line and column where it begins.

``json`` tells no places, so the array is taken apart here and only its elements are left to ``json``; a
place costs no more than that, and holds for a file on one line too. What is inside an element is read by
shape: what has not the shape that the program prints is ``Misshapen``, and the reader says where.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeAlias

from splitdns.errors import ConfigError, Where

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"

_SPACE = re.compile(r"[ \t\r\n]*")
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_DECODER = json.JSONDecoder()


class Misshapen(Exception):  # noqa: N818 - the reader makes a ConfigError of it, with the place
    """Not of the shape that the program prints; the text says what was expected."""


class Document:
    """A text of JSON, of which the places are known."""

    def __init__(self, text: str, file: str) -> None:
        self.text = text
        self._file = file
        self._lines = [0, *(match.end() for match in re.finditer("\n", text))]

    def where(self, at: int) -> Where:
        line = bisect_right(self._lines, at)
        return Where(self._file, line, at - self._lines[line - 1] + 1)

    def after_space(self, at: int) -> int:
        match = _SPACE.match(self.text, at)
        return match.end() if match else at

    def array(self, at: int) -> tuple[list[tuple[Json, Where]], int]:
        """The elements of the array that is open at ``at``, each with its place, and the offset behind it.

        Raises:
            ConfigError: it is not JSON, or nested too deeply.
        """
        found: list[tuple[Json, Where]] = []
        at = self.after_space(at)
        while not self.text.startswith("]", at):
            value, end = self._decode(at)
            found.append((value, self.where(at)))
            at = self.after_space(end)
            if self.text.startswith(",", at):
                at = self.after_space(at + 1)
                if self.text.startswith("]", at):
                    raise ConfigError(self.where(at), "expected another element after the comma, found ']'")
            elif not self.text.startswith("]", at):
                raise ConfigError(self.where(at), f"expected ',' or ']' here, found {self.found(at)}")
        return found, at + 1

    def found(self, at: int) -> str:
        """What stands there, for an error message."""
        return repr(self.text[at : at + 10]) if at < len(self.text) else "the end of the file"

    def _decode(self, at: int) -> tuple[Json, int]:
        where = self.where(at)
        try:
            value, end = _DECODER.raw_decode(self.text, at)
        except json.JSONDecodeError as error:
            raise ConfigError(self.where(error.pos), f"this is not JSON: {error.msg}") from None
        except RecursionError:
            raise ConfigError(where, "this is nested too deeply") from None
        except ValueError as error:  # a number of more digits than int() takes
            raise ConfigError(where, f"this cannot be read: {error}") from None
        if _SURROGATE.search(self.text, at, end):
            _check_characters(value, where)
        return value, end


@contextmanager
def placed(where: Where) -> Iterator[None]:
    """Gives what is misshapen inside its place.

    Raises:
        ConfigError: something was.
    """
    try:
        yield
    except Misshapen as error:
        raise ConfigError(where, str(error)) from None
    except RecursionError:
        raise ConfigError(where, "this is nested too deeply") from None


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


def _check_characters(value: Json, where: Where) -> None:
    """Half a surrogate pair is valid JSON, and cannot be printed."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except (UnicodeEncodeError, RecursionError):
        raise ConfigError(where, "this holds characters that are none") from None
