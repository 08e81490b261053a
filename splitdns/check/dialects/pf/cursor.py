"""Where the grammar is in the words: the next one, lists in braces, what was expected instead."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NoReturn, TypeVar

from splitdns.check.dialects.pf.words import MAX_DEPTH, MAX_WORDS, Word, Words
from splitdns.errors import ConfigError

T = TypeVar("T")


class Cursor:
    """A place in a file's words. ``macros`` grow as statements define them."""

    def __init__(self, text: str, file: str, macros: dict[str, str]) -> None:
        self._words = Words(text, file)
        self._coming: Iterator[Word] = iter(self._words)
        self._put_in: list[tuple[Word, int]] = []  # of macros, the next one last, and how deep they are
        self._macros = macros
        self._taken = 0
        self.last: Word | None = None

    def peek(self) -> Word | None:
        """The next word; None at the end of the file."""
        while True:
            if self._put_in:
                word, depth = self._put_in[-1]
            else:
                found = next(self._coming, None)
                if found is None:
                    return None
                word, depth = found, 0
                self._put_in.append((word, 0))
            if word.kind != "macro":
                return word
            self._put_in.pop()
            if word.text not in self._macros:
                raise ConfigError(word.where, f"expected a macro that is defined before, found ${word.text}")
            if depth >= MAX_DEPTH:
                raise ConfigError(word.where, f"expected macros at most {MAX_DEPTH} deep, found ${word.text}")
            inner = self._words.put_in(self._macros[word.text], word)
            self._count(len(inner), word)
            if not self._put_in:
                inner = self._glued(inner, word)
            self._put_in += [(one, depth + 1) for one in reversed(inner)]

    def _glued(self, inner: list[Word], macro: Word) -> list[Word]:
        """What stands behind a macro without a space is part of its last word: ``$int_if:network``."""
        after = next(self._coming, None)
        if after is None:
            return inner
        if after.kind == "word" and after.start == macro.stop and inner and inner[-1].kind == "word":
            return [*inner[:-1], replace(inner[-1], text=inner[-1].text + after.text, stop=after.stop)]
        return [*inner, after]

    def take(self) -> Word | None:
        word = self.peek()
        if word is not None:
            self._put_in.pop()
            self._count(1, word)
            self.last = word
        return word

    def _count(self, words: int, at: Word) -> None:
        self._taken += words
        if self._taken > MAX_WORDS:
            raise ConfigError(at.where, f"expected at most {MAX_WORDS} words, found more")

    @property
    def is_over(self) -> bool:
        """Whether there were too many words, and nothing more is read."""
        return self._taken > MAX_WORDS

    def wrong(self, expected: str) -> NoReturn:
        """Raise that something else stands here."""
        try:
            word = self.peek()
        except ConfigError:
            word = None
        at = word or self.last
        where = at.where if at is not None else self._words.place(0)
        raise ConfigError(where, f"expected {expected}, found {word or 'the end of the file'}")

    def refuse(self, expected: str) -> NoReturn:
        """Raise that the word that was taken last is not what was expected."""
        assert self.last is not None
        raise ConfigError(self.last.where, f"expected {expected}, found {self.last}")

    def said(self, first: Word) -> str:
        return self._words.said(first, self.last or first)

    # --- Words ----------------------------------------------------------------------------------------------

    def at(self, *texts: str) -> bool:
        """Whether the next word is one of ``texts``, unquoted."""
        word = self.peek()
        return word is not None and word.kind != "quoted" and word.text in texts

    def at_end(self) -> bool:
        """Of the line, or of a block."""
        word = self.peek()
        return word is None or word.kind == "end" or self.at("}")

    def skip(self, *texts: str) -> bool:
        """Take the next word, if it is one of ``texts``."""
        found = self.at(*texts)
        if found:
            self.take()
        return found

    def need(self, text: str) -> None:
        if not self.skip(text):
            self.wrong(repr(text))

    def name(self, what: str) -> str:
        """A word, quoted or not."""
        word = self.peek()
        if word is None or word.kind not in ("word", "quoted") or not word.text:
            self.wrong(what)
        self.take()
        return word.text

    def lines(self) -> None:
        """Skip the ends of lines."""
        while (word := self.peek()) is not None and word.kind == "end":
            self.take()

    def rest(self) -> None:
        """Skip what is left of the line, blocks in braces included; whatever stands there."""
        depth = 0
        while True:
            try:
                word = self.peek()
            except ConfigError:
                continue
            if word is None or (word.kind == "end" and depth <= 0):
                return
            if word.kind == "mark":
                depth += {"{": 1, "}": -1}.get(word.text, 0)
                if depth < 0:
                    return
            self._put_in.pop()
            self.last = word

    def several(self, one: Callable[[], T], depth: int = 0) -> list[T]:
        """One thing, or several in braces with commas or without, over as many lines as it takes."""
        if not self.skip("{"):
            return [one()]
        if depth >= MAX_DEPTH:
            self.wrong(f"lists at most {MAX_DEPTH} deep")
        found = []
        self.lines()
        while not self.at("}"):
            found += self.several(one, depth + 1)
            self.lines()
            if self.skip(","):
                self.lines()
        self.need("}")
        return found

    def in_brackets(self) -> list[Word]:
        """All words between ``(`` and its ``)``."""
        self.need("(")
        depth = 1
        found: list[Word] = []
        while True:
            word = self.peek()
            if word is None:
                self.wrong("')'")
            self.take()
            if word.kind == "mark":
                depth += {"(": 1, ")": -1}.get(word.text, 0)
            if not depth:
                return found
            found.append(word)
