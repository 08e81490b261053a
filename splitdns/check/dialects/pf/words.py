"""The words of a pf.conf, each with its place: comments, continued lines, quotes, macros (pf.conf(5)).

A macro is put in where it is named, so that what it means is read as if it stood there; its words have the
place of the name. A line ends a statement, but for lines within braces, which the grammar skips.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator

from splitdns.errors import ConfigError, Where
from splitdns.value import value

END = "\n"  # of a line
MAX_DEPTH = 16  # macros within macros
MAX_WORDS = 250_000  # of one file, macros put in; beyond, it is refused

_PIECE = re.compile(
    r"""
    (?P<space>[^\S\n]+|\\[^\S\n]*\n)
  | (?P<comment>\#(?:\\\n|[^\n])*)
  | (?P<end>\n)
  | "(?P<double>[^"]*)"
  | '(?P<single>[^']*)'
  | (?P<mark>->|<>|><|<=|>=|!=|[{}()<>!=/,])
  | \$(?P<macro>[A-Za-z0-9_]+)
  | (?P<word>(?:-(?!>)|[^\s{}()<>!=/,\#"'$\\-])+)
  | (?P<wrong>.)
    """,
    re.VERBOSE,
)


@value(frozen=True, slots=True)
class Word:
    """``kind``: word, quoted, mark (punctuation) or end; ``start`` and ``stop`` are of the file's text."""

    text: str
    kind: str
    where: Where
    start: int
    stop: int

    def __str__(self) -> str:
        return "the end of the line" if self.kind == "end" else repr(self.text)


class Words:
    """Reads a text into words; macros are put in as the grammar defines them."""

    def __init__(self, text: str, file: str) -> None:
        self.text = text
        self._file = file
        self._starts = [0, *(found.end() for found in re.finditer("\n", text))]

    def __iter__(self) -> Iterator[Word]:
        return self._pieces(self.text, None)

    def place(self, offset: int) -> Where:
        line = bisect_right(self._starts, offset)
        return Where(self._file, line, offset - self._starts[line - 1] + 1)

    def put_in(self, value: str, at: Word) -> list[Word]:
        """The words of a macro's value, all at the place where it is named."""
        return [word for word in self._pieces(value, at) if word.kind != "end"]

    def said(self, first: Word, last: Word) -> str:
        """What the file says from one word to another, on one line."""
        lines = (line.split("#")[0].rstrip("\\ ") for line in self.text[first.start : last.stop].split("\n"))
        return " ".join(" ".join(lines).split())

    def _pieces(self, text: str, at: Word | None) -> Iterator[Word]:
        for found in _PIECE.finditer(text):
            kind = found.lastgroup or "wrong"
            if kind in ("space", "comment"):
                continue
            start, stop = found.span() if at is None else (at.start, at.stop)
            where = self.place(start) if at is None else at.where
            value = found[kind]
            if kind in ("double", "single"):
                kind, value = "quoted", value.replace("\\\n", "").replace("\n", " ")
            elif kind == "wrong":
                raise ConfigError(where, f"expected a word of pf.conf, found {value!r}")
            yield Word(END if kind == "end" else value, kind, where, start, stop)
        if at is None:
            stop = len(text)
            yield Word(END, "end", self.place(stop), stop, stop)
