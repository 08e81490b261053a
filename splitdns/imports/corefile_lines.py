"""A Corefile as server blocks of directives (coredns.io/manual/configuration).

A line is a directive, and a brace at its end opens what belongs to it. Snippets and files that are imported
stand where they are named.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from splitdns.check.dialects.printed import Printed
from splitdns.errors import ConfigError, Where
from splitdns.imports.texts import Texts
from splitdns.value import value

MAX_DEPTH = 16  # of blocks in blocks, and of imports in imports
MAX_DIRECTIVES = 100_000  # imports may double at each step; beyond: an error
_WORD = re.compile(r'"(?:[^"\\]|\\.)*"|`[^`]*`|#.*|[^\s"]\S*|"')


@value(frozen=True, slots=True)
class Directive:
    """``words`` of one line; ``block``: the lines in its braces, None where there are no braces."""

    words: tuple[str, ...]
    where: Where
    block: tuple[Directive, ...] | None = None

    @property
    def name(self) -> str:
        return self.words[0]

    @property
    def args(self) -> tuple[str, ...]:
        return self.words[1:]

    @property
    def inner(self) -> tuple[Directive, ...]:
        return self.block or ()

    def all(self, name: str) -> list[Directive]:
        return [one for one in self.inner if one.name == name]


def blocks(text: Printed, texts: Texts) -> list[Directive]:
    """The server blocks, with what is imported in them.

    Raises:
        ConfigError: a brace is missing, or one too many.
    """
    reader = _Reader(texts)
    return [one for one in reader.expanded(_parsed(text), 0) if not one.name.startswith("(")]


class _Reader:
    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self._snippets: dict[str, tuple[Directive, ...]] = {}
        self._count = 0

    def expanded(self, given: Sequence[Directive], depth: int) -> list[Directive]:
        found: list[Directive] = []
        for one in given:
            self._count += 1
            if depth > MAX_DEPTH or self._count > MAX_DIRECTIVES:
                raise ConfigError(one.where, f"expected imports and blocks, {MAX_DEPTH} deep at most")
            if one.name.startswith("(") and one.name.endswith(")"):
                self._snippets[one.name[1:-1]] = one.inner
            elif one.name == "import" and len(one.args) > 0:
                found += self.expanded(list(self._imported(one)), depth + 1)
            elif one.block is not None:
                found.append(Directive(one.words, one.where, tuple(self.expanded(one.block, depth + 1))))
            else:
                found.append(one)
        return found

    def _imported(self, one: Directive) -> Iterator[Directive]:
        name = one.args[0]
        if name in self._snippets:
            yield from self._snippets[name]
            return
        for path in self._texts.matching(name, one.where) if "*" in name else [name]:
            if (text := self._texts.read(path, one.where)) is not None:
                yield from _parsed(text)


def _parsed(text: Printed) -> list[Directive]:
    levels: list[list[Directive]] = [[]]
    opened: list[tuple[tuple[str, ...], Where]] = []
    where = Where(text.file, 1, 1)
    for words, where in _lines(text):
        if words == ("}",):
            if not opened:
                raise ConfigError(where, "expected no }")
            head, start = opened.pop()
            block = tuple(levels.pop())
            levels[-1].append(Directive(head, start, block))
        elif words[-1] == "{":
            if len(words) == 1:
                raise ConfigError(where, "expected something before {")
            if len(opened) >= MAX_DEPTH:
                raise ConfigError(where, f"expected blocks, {MAX_DEPTH} deep at most")
            opened.append((words[:-1], where))
            levels.append([])
        else:
            levels[-1].append(Directive(words, where))
    if opened:
        raise ConfigError(opened[-1][1], "expected } before the end of the file")
    return levels[0]


def _lines(text: Printed) -> Iterator[tuple[tuple[str, ...], Where]]:
    for number, line in enumerate(text.text.splitlines(), 1):
        words = []
        for match in _WORD.finditer(line):
            word = match[0]
            where = Where(text.file, number, match.start() + 1)
            if word.startswith("#"):
                break
            if word == '"':
                raise ConfigError(where, "expected a closing quote in this line")
            words.append(word[1:-1] if word[0] in '"`' and len(word) > 1 else word)
        if words:
            yield tuple(words), Where(text.file, number, len(line) - len(line.lstrip()) + 1)
