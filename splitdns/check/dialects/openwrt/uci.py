"""UCI: sections with options, as files, ``uci export`` and ``uci show`` write them.

A text belongs to the package that its ``package`` lines name, else to the one that its file is named after,
as /etc/config/firewall is. Several texts make one configuration: sections of one name are one section.

>>> (zone,) = read([Printed("config zone\\n\\toption name 'lan'\\n\\tlist network 'lan'\\n", "firewall")])
>>> zone.id, zone.options["network"].values
('@zone[0]', ('lan',))
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath

from splitdns.check.dialects.printed import Printed
from splitdns.errors import ConfigError, Problems, Where
from splitdns.value import value

MAX_TEXT_OCTETS = 8 << 20  # a router's whole configuration has some ten thousand; beyond it is refused

_NAME = re.compile(r"[A-Za-z0-9_]+")
_TYPE = re.compile(r"[!-~]+")
_SHOWN = re.compile(
    r"([A-Za-z0-9_-]+)\.(@[^\s.=\[]+\[-?[0-9]+\]|[A-Za-z0-9_]+)(?:\.([A-Za-z0-9_]+))?=(.*)", re.DOTALL
)
_SHORT = {"p": "package", "c": "config", "o": "option", "l": "list"}  # libuci takes these too
_SECRETS = ("private_key", "preshared_key", "password", "key", "psk", "pincode")
_BLANKS = " \t\r\f\v"  # isspace() in C: a blank of Unicode is part of a word
_QUOTES = "'\""


@value(frozen=True, slots=True)
class Option:
    """One value, or those of a list."""

    values: tuple[str, ...]
    is_list: bool
    where: Where


@dataclass(slots=True)
class Section:
    """``index`` counts the sections of its type, the way ``@type[index]`` does."""

    package: str
    type: str
    name: str | None
    index: int
    where: Where
    options: dict[str, Option] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """As ``uci`` calls it: its name, or its place among those of its type."""
        return self.name or f"@{self.type}[{self.index}]"

    def words(self) -> str:
        """All of it in one line, as a person recognises it, but for secrets: reports go to other people."""
        said = (
            f"{name}={'…' if name in _SECRETS else ' '.join(map(_quoted, option.values))}"
            for name, option in self.options.items()
        )
        return " ".join((f"{self.package}.{self.id}={self.type}", *said))


def read(texts: Sequence[Printed]) -> list[Section]:
    """The sections of all texts, in order.

    Raises:
        ExceptionGroup[ConfigError]: every mistake, or that nothing at all is UCI.
    """
    reader = _Reader()
    for printed in texts:
        reader.text(printed)
    if not reader.sections and not reader.problems.errors:
        where = Where(texts[0].file if texts else "", 1, 1)
        expected = "expected the files of /etc/config, or what uci export or uci show prints"
        reader.problems.error(ConfigError(where, f"{expected}, found no section"))
    reader.problems.raise_errors("the UCI configuration is wrong")
    return reader.sections


@value(frozen=True, slots=True)
class _Word:
    text: str
    where: Where


class _Reader:
    def __init__(self) -> None:
        self.problems = Problems()
        self.sections: list[Section] = []
        self._named: dict[tuple[str, str], Section] = {}
        self._counts: dict[tuple[str, str], int] = {}

    def text(self, printed: Printed) -> None:
        if len(printed.text) > MAX_TEXT_OCTETS:
            message = f"expected at most {MAX_TEXT_OCTETS} characters, found {len(printed.text)}"
            self.problems.error(ConfigError(Where(printed.file, 1, 1), message))
            return
        try:
            if _is_shown(printed.text):
                self._shown(printed)
            else:
                self._lines(printed)
        except ConfigError as error:
            self.problems.error(error)

    # --- Files and uci export -------------------------------------------------------------------------------

    def _lines(self, printed: Printed) -> None:
        package = _package_of(printed.file)
        section: Section | None = None
        for words in _Words(printed).lines():
            first, *rest = words
            what = _SHORT.get(first.text, first.text)
            try:
                if what == "package":
                    (name,) = _expected(first, rest, 1, 1, "package NAME")
                    package, section = _checked(_TYPE, name, "the name of a package"), None
                elif what == "config":
                    words = _expected(first, rest, 1, 2, "config TYPE, or config TYPE NAME")
                    section = self._section(first.where, package, words)
                elif what in ("option", "list"):
                    name, value = _expected(first, rest, 2, 2, f"{what} NAME VALUE")
                    if section is None:
                        raise ConfigError(first.where, f"expected a config line before {what}, found none")
                    _put(section, _checked(_NAME, name, "the name of an option"), value, what == "list")
                else:
                    found = f"{first.text!r:.60}"
                    raise ConfigError(
                        first.where, f"expected package, config, option or list, found {found}"
                    )
            except ConfigError as error:
                self.problems.error(error)

    def _section(self, where: Where, package: str | None, words: list[_Word]) -> Section:
        if package is None:
            expected = "expected a package line before it, or a file named after its package, like firewall"
            raise ConfigError(where, f"{expected}, found none")
        kind = _checked(_TYPE, words[0], "the type of a section")
        name = _checked(_NAME, words[1], "the name of a section") if words[1:] and words[1].text else None
        return self._found(package, kind, name, where)

    def _found(self, package: str, kind: str, name: str | None, where: Where) -> Section:
        """The section of this name, or a new one."""
        known = self._named.get((package, name)) if name is not None else None
        if known is not None:
            if known.type != kind:
                expected = f"expected {known.type}, as {name} is at {known.where}"
                raise ConfigError(where, f"{expected}, found {kind}")
            return known
        index = self._counts.get((package, kind), 0)
        self._counts[package, kind] = index + 1
        section = Section(package, kind, name, index, where)
        self.sections.append(section)
        if name is not None:
            self._named[package, name] = section
        return section

    # --- uci show -------------------------------------------------------------------------------------------

    def _shown(self, printed: Printed) -> None:
        known: dict[tuple[str, str], Section] = {}
        for text, where in _shown_lines(printed):
            match = _SHOWN.fullmatch(text)
            try:
                if match is None:
                    raise ConfigError(where, f"expected package.section.option='value', found {text!r:.60}")
                package, called, option, value = match.groups()
                if option is None:
                    kind = _checked(_TYPE, _Word(value, where), "the type of a section")
                    name = None if called.startswith("@") else called
                    known[package, called] = self._found(package, kind, name, where)
                    continue
                section = known.get((package, called))
                if section is None:
                    expected = f"expected {package}.{called}=TYPE before its options"
                    raise ConfigError(where, f"{expected}, found none")
                at = Printed(value, where.file)
                words = [word for line in _Words(at, where.line).lines() for word in line]
                if not words:
                    raise ConfigError(where, "expected a value, found none")
                values = tuple(word.text for word in words)
                section.options[option] = Option(values, len(values) > 1, where)
            except ConfigError as error:
                self.problems.error(error)


def _put(section: Section, name: str, value: _Word, is_list: bool) -> None:
    """As libuci does: an ``option`` replaces, a ``list`` adds to what is there."""
    before = section.options.get(name)
    values = (*before.values, value.text) if is_list and before is not None else (value.text,)
    section.options[name] = Option(values, is_list, before.where if before and is_list else value.where)


def _expected(first: _Word, rest: list[_Word], least: int, most: int, form: str) -> list[_Word]:
    if not least <= len(rest) <= most:
        found = " ".join(word.text for word in (first, *rest))
        raise ConfigError(first.where, f"expected {form}, found {found!r:.60}")
    return rest


def _checked(form: re.Pattern[str], word: _Word, what: str) -> str:
    if form.fullmatch(word.text) is None:
        raise ConfigError(word.where, f"expected {what}, found {word.text!r:.60}")
    return word.text


def _package_of(file: str) -> str | None:
    """``firewall`` for /etc/config/firewall, and for firewall.txt or openwrt-firewall.uci beside a zone."""
    stem = PurePath(file).name.partition(".")[0]
    last = re.split(r"[^A-Za-z0-9_]", stem)[-1]
    return last if last else None


def _is_shown(text: str) -> bool:
    first = next((line for line in text.splitlines() if line.strip()), "")
    return _SHOWN.fullmatch(first.strip()) is not None


def _shown_lines(printed: Printed) -> Iterator[tuple[str, Where]]:
    """Each assignment; a value with a line break in its quotes goes on in the next line."""
    held, since = "", 0
    for at, line in enumerate(printed.text.split("\n"), 1):
        if not held and not line.strip():
            continue
        since = since if held else at
        held = f"{held}\n{line}" if held else line.strip("\r")
        if not _is_open(held):
            yield held.rstrip(), Where(printed.file, since, 1)
            held = ""
    if held:
        raise ConfigError(Where(printed.file, since, 1), "expected a closing ', found the end of the text")


def _is_open(text: str) -> bool:
    """Whether a single quote is open at the end; outside of them a backslash stands before each other one."""
    inside = escaped = False
    for char in text:
        if escaped:
            escaped = False
        elif char == "\\" and not inside:
            escaped = True
        elif char == "'":
            inside = not inside
    return inside


class _Words:
    """The words of a text, line by line: quotes hold line breaks, # begins a comment, ; ends a line."""

    def __init__(self, printed: Printed, first_line: int = 1) -> None:
        self._text = printed.text
        self._file = printed.file
        self._at = 0
        self._line = first_line
        self._begin = 0  # of the line, as an offset

    def lines(self) -> Iterator[list[_Word]]:
        words: list[_Word] = []
        while self._at < len(self._text):
            char = self._text[self._at]
            if char == "#":
                end = self._text.find("\n", self._at)
                self._at = len(self._text) if end < 0 else end
            elif char in "\n;":
                self._step()
                if words:
                    yield words
                words = []
            elif char in _BLANKS:
                self._step()
            else:
                words.append(self._word())
        if words:
            yield words

    def _step(self) -> str:
        char = self._text[self._at]
        self._at += 1
        if char == "\n":
            self._line += 1
            self._begin = self._at
        return char

    def _where(self) -> Where:
        return Where(self._file, self._line, self._at - self._begin + 1)

    def _word(self) -> _Word:
        where = self._where()
        found: list[str] = []
        while self._at < len(self._text):
            char = self._text[self._at]
            if char in _QUOTES:
                found.append(self._quoted_part(where))
            elif char == "\\" and self._at + 1 < len(self._text):
                self._step()
                escaped = self._step()
                found.append("" if escaped == "\n" else escaped)
            elif char in _BLANKS or char in "\n;#":
                break
            else:
                found.append(self._step())
        return _Word("".join(found), where)

    def _quoted_part(self, where: Where) -> str:
        quote = self._step()
        found: list[str] = []
        while self._at < len(self._text):
            char = self._step()
            if char == quote:
                return "".join(found)
            if char == "\\" and quote == '"' and self._at < len(self._text):
                char = self._step()
                char = "" if char == "\n" else char
            found.append(char)
        raise ConfigError(where, f"expected a closing {quote}, found the end of the text")


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "'\\''") + "'"
