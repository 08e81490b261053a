"""Lines of dnsmasq.conf: an option, and its value with quotes and comments (dnsmasq(8), "CONFIG FILE")."""

from __future__ import annotations

from collections.abc import Iterator

from splitdns.check.dialects.printed import Printed
from splitdns.errors import ConfigError, Where
from splitdns.value import value

_ESCAPES = {"t": "\t", "n": "\n", "r": "\r", "b": "\b", "e": "\x1b"}


@value(frozen=True, slots=True)
class Option:
    """``name`` is that of the long option; ``fields`` is the value, split at commas outside quotes."""

    name: str
    fields: tuple[str, ...]
    where: Where

    @property
    def value(self) -> str:
        return ",".join(self.fields)

    def field(self, at: int, usual: str = "") -> str:
        return self.fields[at] if at < len(self.fields) and self.fields[at] else usual

    def wrong(self, expected: str, found: str) -> ConfigError:
        return ConfigError(self.where, f"expected {expected} for {self.name}, found {found!r:.60}")


def options(text: Printed) -> Iterator[Option]:
    """The options of a text, in order; one that is not in the man page is the caller's to tell."""
    for number, line in enumerate(text.text.splitlines(), 1):
        plain = line.strip()
        if not plain or plain.startswith("#"):
            continue
        name, _, value = plain.partition("=")
        name, *comment = name.split("#", 1)
        where = Where(text.file, number, len(line) - len(line.lstrip()) + 1)
        fields = _fields("" if comment else value)
        yield Option(name.strip().removeprefix("--"), fields, where)


def _fields(value: str) -> tuple[str, ...]:
    """Blanks around a field that stand in no quotes are no part of it."""
    fields: list[list[tuple[str, bool]]] = [[]]
    is_quoted, at = False, 0
    while at < len(value):
        sign = value[at]
        if sign == '"':
            is_quoted = not is_quoted
        elif is_quoted and sign == "\\" and at + 1 < len(value):
            at += 1
            fields[-1].append((_ESCAPES.get(value[at], value[at]), True))
        elif not is_quoted and sign == "#" and value[at - 1 : at].isspace():
            break
        elif not is_quoted and sign == ",":
            fields.append([])
        else:
            fields[-1].append((sign, is_quoted))
        at += 1
    texts = tuple(map(_stripped, fields))
    return () if texts == ("",) else texts


def _stripped(signs: list[tuple[str, bool]]) -> str:
    kept = [at for at, (sign, is_quoted) in enumerate(signs) if is_quoted or not sign.isspace()]
    return "".join(sign for sign, _ in signs[kept[0] : kept[-1] + 1]) if kept else ""
