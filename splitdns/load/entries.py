"""Lines of a master file joined into entries (RFC 1035 5.1).

An entry is one line, or several where parentheses hold them together. Comments and parentheses become
blanks, so that what follows reads one line, and each piece remembers where it stood.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

MAX_ENTRY_CHARACTERS = 1_000_000  # 65,535 octets of rdata, each as \DDD, and much air; beyond: an error

_PIECE = re.compile(r'[^"\\();]+|"(?:[^"\\]|\\.)*"|\\.|[();]|.', re.DOTALL)
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|(?:[^\s"\\]|\\.)+', re.DOTALL)


class EntryError(Exception):
    """The entry cannot be read: why, and where."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column


@dataclass(slots=True)
class Entry:
    """One entry as a single line of text."""

    text: str
    starts: list[tuple[int, int]]  # where in ``text`` each line starts, and its number

    def place(self, at: int) -> tuple[int, int]:
        """Line and column, from 1, of the character at ``at``."""
        start, line = next(pair for pair in reversed(self.starts) if pair[0] <= at)
        return line, at - start + 1


def entry(line: str, number: int, more: Callable[[], str | None]) -> Entry:
    """The entry that starts with ``line``; ``more`` gives the next line, or None at the end of the file.

    Raises:
        EntryError: parentheses or quotes do not match, or the entry is too long.
    """
    text, starts = "", [(0, number)]
    opened: list[tuple[int, int]] = []
    current: str | None = line
    at_line = number
    while current is not None:
        text += _flat(current, at_line, opened)
        if not opened:
            return Entry(text, starts)
        if len(text) > MAX_ENTRY_CHARACTERS:
            break
        text += " "
        at_line += 1
        starts.append((len(text), at_line))
        current = more()
    raise EntryError("expected a ) to match this (, found none", *opened[0])


def _flat(line: str, number: int, opened: list[tuple[int, int]]) -> str:
    """``line`` with its comment and parentheses blanked; ``opened`` are the open parentheses' places."""
    pieces: list[str] = []
    for match in _PIECE.finditer(line):
        piece = match[0]
        if piece == ";":
            break
        if piece == "(":
            opened.append((number, match.start() + 1))
            piece = " "
        elif piece == ")":
            if not opened:
                raise EntryError("expected a ( before this ), found none", number, match.start() + 1)
            opened.pop()
            piece = " "
        elif piece == '"':
            message = 'expected a " to end this string on its line, found none'
            raise EntryError(message, number, match.start() + 1)
        elif piece == "\\":
            raise EntryError("expected a character after \\, found the line's end", number, match.start() + 1)
        pieces.append(piece)
    return "".join(pieces)
