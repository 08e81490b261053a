"""named.conf as statements: words, and blocks of statements in braces (named.conf(5)).

Comments are those of C, C++ and the shell. A file that is included stands where it is named.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from splitdns.check.dialects.printed import Printed
from splitdns.errors import ConfigError, Where
from splitdns.imports.texts import Texts
from splitdns.value import value

MAX_DEPTH = 32  # of blocks in blocks, and of files that include files
_TOKEN = re.compile(
    r"""(?P<blank>\s+|//[^\n]*|\#[^\n]*|/\*.*?\*/)|(?P<quoted>"(?:[^"\\]|\\.)*")|(?P<sign>[{};!])"""
    r"""|(?P<word>(?:(?!//|/\*)[^\s{};!"\#])+)|(?P<wrong>.)""",
    re.DOTALL,
)


@value(frozen=True, slots=True)
class Statement:
    """``words`` are those before the first block; a ``!`` is a word. ``block``: None where there is none."""

    words: tuple[str, ...]
    where: Where
    block: tuple[Statement, ...] | None = None

    @property
    def name(self) -> str:
        return self.words[0] if self.words else ""

    @property
    def value(self) -> str:
        return " ".join(self.words[1:])

    @property
    def inner(self) -> tuple[Statement, ...]:
        return self.block or ()

    def all(self, name: str) -> list[Statement]:
        return [one for one in self.inner if one.name == name]

    def one(self, *names: str) -> Statement | None:
        """The last statement of one of these names."""
        return next((one for one in reversed(self.inner) if one.name in names), None)


@dataclass(slots=True)
class _Open:
    """A statement, or a block, that has not ended."""

    words: list[str] = field(default_factory=list)
    where: Where | None = None
    block: tuple[Statement, ...] | None = None


def statements(text: Printed, texts: Texts, depth: int = 0) -> list[Statement]:
    """The statements of a file and of those that it includes.

    Raises:
        ConfigError: a brace, a quote or a semicolon is missing, or one too many.
    """
    if depth > MAX_DEPTH:
        raise ConfigError(Where(text.file), f"expected files that include files, {MAX_DEPTH} deep at most")
    found: list[Statement] = []
    for one in _statements(text):
        if one.name == "include" and len(one.words) == 2:
            for path in texts.matching(one.words[1], one.where) if "*" in one.words[1] else [one.words[1]]:
                if (more := texts.read(path, one.where)) is not None:
                    found += statements(more, texts, depth + 1)
        else:
            found.append(one)
    return found


def _statements(text: Printed) -> list[Statement]:
    levels: list[list[Statement]] = [[]]
    opened = [_Open()]
    where = Where(text.file, 1, 1)
    for kind, word, where in _tokens(text):
        now = opened[-1]
        if now.where is None and word != "}":
            now.where = where
        if kind == "sign" and word == "{":
            if len(levels) > MAX_DEPTH:
                raise ConfigError(where, f"expected blocks, {MAX_DEPTH} deep at most")
            levels.append([])
            opened.append(_Open())
        elif kind == "sign" and word == "}":
            if len(levels) == 1 or now.words or now.block is not None:
                raise ConfigError(where, "expected ; before }" if len(levels) > 1 else "expected no }")
            opened.pop()
            block = tuple(levels.pop())
            opened[-1].block = block if opened[-1].block is None else opened[-1].block
        elif kind == "sign" and word == ";":
            if now.words or now.block is not None:
                assert now.where is not None
                levels[-1].append(Statement(tuple(now.words), now.where, now.block))
            opened[-1] = _Open()
        elif now.block is None:
            now.words.append(word)
    if len(levels) > 1 or opened[-1].words or opened[-1].block is not None:
        raise ConfigError(opened[-1].where or where, "expected ; or } before the end of the file")
    return levels[0]


def _tokens(text: Printed) -> Iterator[tuple[str, str, Where]]:
    line, start = 1, 0
    for match in _TOKEN.finditer(text.text):
        kind, word = str(match.lastgroup), match[0]
        where = Where(text.file, line, match.start() - start + 1)
        if kind == "wrong":
            raise ConfigError(where, f"expected no {word!r} that is not closed")
        if kind == "quoted":
            yield kind, word[1:-1], where
        elif kind != "blank":
            yield kind, word, where
        if "\n" in word:
            line += word.count("\n")
            start = match.start() + word.rindex("\n") + 1
