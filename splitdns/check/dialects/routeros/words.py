"""The words of a RouterOS script: commands over several lines, strings, brackets.

``/export`` prints a script that its own terminal reads (help.mikrotik.com, "Scripting"). A backslash at the
end of a line continues it, and the blanks that the next one begins with count for nothing, inside a string
too. A command ends with its line or with ``;``, but not inside brackets, which may hold lines of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from splitdns.errors import ConfigError, Where
from splitdns.value import value

MAX_DEPTH = 32  # brackets in brackets, more than any export has
_ESCAPES = {
    "n": "\n", "r": "\r", "t": "\t", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "_": " ",
    '"': '"', "\\": "\\", "$": "$", "?": "?",
}  # fmt: skip
_CLOSING = {"[": "]", "{": "}", "(": ")"}
# What a terminal shows before a command that a person typed, and what paging leaves behind.
_PROMPT = re.compile(r"\s*\[[^\]\s]*@[^\]]*\] [^>]{0,100}> ?")
_BARE = re.compile(r'[^ \t\r\n;"\[\]{}()\\]+')
_NAME = re.compile(r'[^ \t\r\n;"\[\]{}()\\=~]+')
_IN_STRING = re.compile(r'[^"\\\n]+')
_HEX = re.compile(r"[0-9A-Fa-f]{2}")


@value(frozen=True, slots=True)
class Word:
    """``key=value``, or one word alone, whose ``key`` is empty; strings are without their quotes.

    ``group`` is what stands in square brackets, where the value is that: another command. ``operator`` is
    ``~`` where a search asks for a pattern.
    """

    key: str
    value: str
    where: Where
    quoted: bool = False
    group: tuple[Word, ...] | None = None
    operator: str = "="


@value(frozen=True, slots=True)
class Command:
    """Its words, and how it stood there, on one line."""

    words: tuple[Word, ...]
    text: str
    where: Where


def commands(text: str, file: str) -> Iterator[Command]:
    """The commands of a script, without comments.

    Raises:
        ConfigError: a string or a bracket does not end.
    """
    scanner = _Scanner(text, file)
    while (command := scanner.command()) is not None:
        if command.words:
            yield command


class _Scanner:
    """A text and how far it has been read."""

    def __init__(self, text: str, file: str) -> None:
        self.text = text.replace("\r\n", "\n")
        self.file = file
        self.at = 0
        self.line = 1
        self.begin = 0  # of the line

    def where(self) -> Where:
        return Where(self.file, self.line, self.at - self.begin + 1)

    def command(self) -> Command | None:
        """The next one; it has no words where a line has none."""
        prompt = _PROMPT.match(self.text, self.at) if self.at == self.begin else None
        if prompt is not None:
            self.at = prompt.end()
        self._blanks()
        if self.at >= len(self.text):
            return None
        where, start = self.where(), self.at
        words = tuple(self._words("", 0))
        return Command(words, " ".join(_joined(self.text[start : self.at]).split()).rstrip("; "), where)

    def _words(self, closing: str, depth: int) -> Iterator[Word]:
        """Words up to the end of the command, or to ``closing``, which is read too."""
        opened = self.where()
        while True:
            self._blanks()
            here = self._peek()
            if not here:
                if closing:
                    raise ConfigError(opened, f"expected {closing!r} at the end, found the end of the text")
                return
            if here == "#" and self._begins_line():
                self._skip_line()
            elif here in "\n;":
                self._next()
                if not closing:
                    return
            elif here == closing:
                self._next()
                return
            elif here in "]})":
                raise ConfigError(self.where(), f"expected {closing or 'a word'}, found {here!r}")
            else:
                yield self._word(depth)

    def _word(self, depth: int) -> Word:
        where = self.where()
        if self._peek() in '"[{(':
            value, quoted, group = self._value(depth)
            return Word("", value, where, quoted, group)
        name = self._bare(is_name=True)
        operator = self._peek()
        if operator not in ("=", "~"):
            return Word("", name, where) if name else Word("", self._next(), where)
        if operator == "~" and not name:
            return Word("", self._next(), where)
        self._next()
        self._folds()
        value, quoted, group = self._value(depth)
        return Word(name, value, where, quoted, group, operator)

    def _value(self, depth: int) -> tuple[str, bool, tuple[Word, ...] | None]:
        here = self._peek()
        if here == '"':
            return self._string(), True, None
        if here in ("[", "{", "("):
            if depth >= MAX_DEPTH:
                raise ConfigError(self.where(), f"expected at most {MAX_DEPTH} brackets in brackets")
            start = self.at
            self._next()
            group = tuple(self._words(_CLOSING[here], depth + 1))
            return _joined(self.text[start : self.at]), False, group if here == "[" else None
        negation = ""
        if here == "!":
            negation = self._next()
            self._folds()
            if self._peek() == '"':
                return negation + self._string(), True, None
        return negation + self._bare(is_name=False), False, None

    def _bare(self, *, is_name: bool) -> str:
        """Up to a blank or a bracket; a name ends before its operator, too."""
        found = []
        plain = _NAME if is_name else _BARE
        while True:
            if run := plain.match(self.text, self.at):
                found.append(run[0])
                self.at = run.end()
            if self._peek() != "\\":
                return "".join(found)
            if not self._folds():
                found.append(self._escaped())

    def _string(self) -> str:
        opened = self.where()
        self._next()
        found = []
        while (here := self._peek()) != '"':
            if not here:
                raise ConfigError(opened, "expected '\"' at the end of a string, found the end of the text")
            if here == "\\":
                if not self._folds():
                    found.append(self._escaped())
            elif here == "\n":
                found.append(self._next())
            elif run := _IN_STRING.match(self.text, self.at):
                found.append(run[0])
                self.at = run.end()
        self._next()
        return "".join(found)

    def _escaped(self) -> str:
        self._next()
        if code := _HEX.match(self.text, self.at):
            self.at = code.end()
            return chr(int(code[0], 16))
        here = self._next()
        return _ESCAPES.get(here, here)

    # --- Characters -----------------------------------------------------------------------------------------

    def _peek(self) -> str:
        return self.text[self.at] if self.at < len(self.text) else ""

    def _next(self) -> str:
        here = self._peek()
        self.at += 1
        if here == "\n":
            self.line += 1
            self.begin = self.at
        return here

    def _begins_line(self) -> bool:
        return not self.text[self.begin : self.at].strip()

    def _skip_line(self) -> None:
        end = self.text.find("\n", self.at)
        self.at = len(self.text) if end < 0 else end

    def _folds(self) -> bool:
        """Whether lines are joined here; the blanks that the next one begins with are read too."""
        start = self.at
        while self.text.startswith("\\\n", self.at):
            self.at += 1
            self._next()
            while self._peek() in (" ", "\t"):
                self._next()
        return self.at > start

    def _blanks(self) -> None:
        while self._peek() in (" ", "\t", "\r") or self._folds():
            if self._peek() in (" ", "\t", "\r"):
                self._next()


def _joined(text: str) -> str:
    return re.sub(r"\\\n[ \t]*", "", text)
