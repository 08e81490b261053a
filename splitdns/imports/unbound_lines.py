"""unbound.conf as clauses: ``server:``, ``view:`` and so on, each with its attributes (unbound.conf(5)).

Line ends mean nothing: an attribute goes on until the next. A file that is included stands where it is named.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from splitdns.check.dialects.printed import Printed
from splitdns.errors import ConfigError, Where
from splitdns.imports.texts import Texts
from splitdns.value import value

MAX_DEPTH = 20  # of files that name files
CLAUSES = frozenset((
    "server", "view", "forward-zone", "stub-zone", "auth-zone", "rpz", "remote-control", "python", "dynlib",
    "cachedb", "dnstap", "ipset", "dnscrypt", "redis",
))  # fmt: skip
_WORD = re.compile(
    r"""\s+|\#[^\n]*|"[^"\n]*"|'[^'\n]*'|[A-Za-z][A-Za-z0-9-]*:(?=[\s"']|$)|[^\s"'#][^\s"']*|."""
)
_INCLUDES = ("include", "include-toplevel")


@value(frozen=True, slots=True)
class Attribute:
    name: str
    values: tuple[str, ...]
    where: Where

    @property
    def value(self) -> str:
        return " ".join(self.values)

    @property
    def is_yes(self) -> bool:
        return self.values == ("yes",)


@dataclass(slots=True)
class Clause:
    name: str
    where: Where
    attributes: list[Attribute] = field(default_factory=list)

    def all(self, name: str) -> list[Attribute]:
        return [one for one in self.attributes if one.name == name]

    def one(self, name: str) -> str:
        """The last value of that name, as Unbound takes it; empty where there is none."""
        found = self.all(name)
        return found[-1].value if found else ""


def clauses(text: Printed, texts: Texts) -> list[Clause]:
    """The clauses in order.

    Raises:
        ConfigError: an attribute has no clause, or a quote no end.
    """
    found: list[Clause] = []
    for one in _attributes(text, texts, 0):
        if one.name in CLAUSES and not one.values:
            found.append(Clause(one.name, one.where))
        elif not found:
            raise ConfigError(one.where, f"expected a clause such as server:, found {one.name!r:.60}")
        else:
            found[-1].attributes.append(one)
    return found


def _attributes(text: Printed, texts: Texts, depth: int) -> Iterator[Attribute]:
    name, where, values = "", Where(text.file), []
    for word, at in _words(text):
        is_name = word.endswith(":") and not word.startswith(("'", '"')) and word[0].isalpha()
        if not is_name:
            if not name:
                raise ConfigError(at, f"expected an attribute such as interface:, found {word!r:.60}")
            values.append(word[1:-1] if word[0] in "'\"" else word)
            continue
        if name:
            yield from _read(Attribute(name, tuple(values), where), texts, depth)
        name, where, values = word[:-1], at, []
    if name:
        yield from _read(Attribute(name, tuple(values), where), texts, depth)


def _read(attribute: Attribute, texts: Texts, depth: int) -> Iterator[Attribute]:
    if attribute.name not in _INCLUDES:
        yield attribute
        return
    if depth >= MAX_DEPTH:
        raise ConfigError(attribute.where, f"expected files that include files, {MAX_DEPTH} deep at most")
    path = attribute.value
    for one in texts.matching(path, attribute.where) if "*" in path else [path]:
        if (text := texts.read(one, attribute.where)) is not None:
            yield from _attributes(text, texts, depth + 1)


def _words(text: Printed) -> Iterator[tuple[str, Where]]:
    line, start = 1, 0
    for match in _WORD.finditer(text.text):
        word = match[0]
        where = Where(text.file, line, match.start() - start + 1)
        if word.isspace():
            if "\n" in word:
                line += word.count("\n")
                start = match.start() + word.rindex("\n") + 1
        elif word in ('"', "'"):
            raise ConfigError(where, "expected a closing quote in this line")
        elif not word.startswith("#"):
            yield word, where
