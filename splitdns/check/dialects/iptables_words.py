"""The words of a line of ``iptables-save`` or ``ipset save``, and the options that they make.

Both tools print one command a line and quote like a shell, a little: what is in quotes is one word, and a
backslash in it keeps the next character (libxtables, ``add_param_to_argv``).

>>> line = Line("rules", 7, '-A INPUT -m comment --comment "a b" ! -s 192.0.2.1', 4)
>>> [word.text for word in line.words()]
['-A', 'INPUT', '-m', 'comment', '--comment', 'a b', '!', '-s', '192.0.2.1']
>>> [str(option) for option in options(line, line.words()[2:])]
['-m comment', '--comment a b', '! -s 192.0.2.1']
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from splitdns.errors import ConfigError, Where
from splitdns.value import value

# Options with exactly one value, whatever that looks like: a comment may be "--dport".
_FREE = frozenset({
    "--comment", "--log-prefix", "--nflog-prefix", "--ulog-prefix", "--string", "--hex-string", "--u32",
    "--bytecode", "--name", "--hashlimit-name", "--helper", "--label", "--path", "--cgroup", "--prefix",
})  # fmt: skip
_PLAIN = re.compile(r"\S+")


@value(frozen=True, slots=True)
class Word:
    """A word and the column in which it starts, from 1."""

    text: str
    column: int
    quoted: bool = False

    @property
    def is_option(self) -> bool:
        return self.text.startswith("-") and not self.quoted and len(self.text) > 1


@value(frozen=True, slots=True)
class Option:
    """``name`` with its ``values``; ``negated``: a ``!`` stands before it or, as was the custom, after."""

    name: str
    values: tuple[Word, ...]
    negated: bool
    at: Word

    def __str__(self) -> str:
        return " ".join(("! " * self.negated + self.name, *(value.text for value in self.values)))


@value(frozen=True, slots=True)
class Line:
    """A line of a file, and the family, 4 or 6, of what it speaks of."""

    file: str
    number: int
    text: str
    family: int

    def words(self) -> list[Word]:
        """Its words.

        Raises:
            ConfigError: a quotation mark is never closed.
        """
        if '"' not in self.text and "'" not in self.text:
            return [Word(match[0], match.start() + 1) for match in _PLAIN.finditer(self.text)]
        return list(self._quoted_words())

    def where(self, word: Word | None = None) -> Where:
        return Where(self.file, self.number, word.column if word else 1)

    def wrong(self, at: Word | Option, expected: str, found: str | None = None) -> ConfigError:
        """What was expected at a word, and what is there."""
        word = at.at if isinstance(at, Option) else at
        shown = repr(word.text if len(word.text) <= 40 else word.text[:37] + "…") if found is None else found
        return ConfigError(self.where(word), f"expected {expected}, found {shown}")

    def _quoted_words(self) -> Iterator[Word]:
        text, at = self.text, 0
        while at < len(text):
            if text[at].isspace():
                at += 1
                continue
            start, characters, quoted = at, [], False
            while at < len(text) and not text[at].isspace():
                if text[at] in "\"'":
                    quoted = True
                    inside, at = self._quotation(at)
                    characters.append(inside)
                    break  # libxtables ends the word here
                characters.append(text[at])
                at += 1
            yield Word("".join(characters), start + 1, quoted)

    def _quotation(self, at: int) -> tuple[str, int]:
        """What is in the quotation marks that open at ``at``, and where they end."""
        text, mark, start = self.text, self.text[at], at
        characters: list[str] = []
        at += 1
        while at < len(text):
            if text[at] == mark:
                return "".join(characters), at + 1
            if text[at] == "\\":
                at += 1
            characters.append(text[at : at + 1])
            at += 1
        word = Word(text[start:], start + 1)
        raise self.wrong(word, f"a closing {mark}", "the end of the line")


def options(line: Line, words: Sequence[Word]) -> Iterator[Option]:
    """The options that ``words`` are, in order.

    Raises:
        ConfigError: a word belongs to no option.
    """
    at = 0
    while at < len(words):
        negated = words[at].text == "!" and not words[at].quoted
        if negated:
            at += 1
            if at == len(words):
                raise line.wrong(words[-1], "an option after '!'", "the end of the line")
        name = words[at]
        if not name.is_option:
            raise line.wrong(name, "an option")
        at += 1
        if name.text in _FREE:
            values = words[at : at + 1]
            at += 1
        else:
            if at + 1 < len(words) and _is_not(words[at]) and not words[at + 1].is_option:
                negated = not negated  # the old place of the '!'
                at += 1
            start = at
            while at < len(words) and not words[at].is_option and not _is_not(words[at]):
                at += 1
            values = words[start:at]
        yield Option(name.text, tuple(values), negated, name)


def only_value(line: Line, option: Option) -> Word:
    """The one value of an option.

    Raises:
        ConfigError: it has none, or several.
    """
    if not option.values:
        raise line.wrong(option, f"a value after {option.name}", "none")
    if len(option.values) > 1:
        raise line.wrong(option.values[1], f"one value after {option.name}")
    return option.values[0]


def _is_not(word: Word) -> bool:
    return word.text == "!" and not word.quoted
