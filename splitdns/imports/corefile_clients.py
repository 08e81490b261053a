"""Which clients a server block of CoreDNS is for: ``view`` and ``acl`` (coredns.io/plugins).

An expression asks for the client's address alone, or it cannot be said in prefixes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from ipaddress import ip_network

from splitdns.errors import ConfigError, Where
from splitdns.imports.corefile_lines import Directive
from splitdns.imports.entries import Found
from splitdns.value import value
from splitdns.view import Prefix

Inside = Sequence[Prefix]
_TOKEN = re.compile(
    r"\s*(?:(\(|\)|&&|\|\||!(?!=)|and\b|or\b|not\b)|(incidr\([^']*'[^']*'\)|\S+?(?=\s|\)|$)))"
)
_IN = re.compile(r"incidr\(\s*client_ip\(\)\s*,\s*'([^']*)'\s*\)")
MAX_DEPTH = 50  # of brackets in an expression
_ALL = (ip_network("0.0.0.0/0"), ip_network("::/0"))


@value(frozen=True, slots=True)
class Test:
    """Whether a client who is in exactly these prefixes is meant, and which prefixes that asks for."""

    holds: Callable[[Inside], bool]
    mentioned: tuple[Prefix, ...]


def expression(text: str, where: Where) -> Test | None:
    """``incidr(client_ip(), '10.0.0.0/8')`` with ``&&``, ``||``, ``!`` and brackets; None: it asks for more.

    Raises:
        ConfigError: a prefix is none, or a bracket is missing.
    """
    tokens = [match[1] or match[2] for match in _TOKEN.finditer(text) if match[1] or match[2]]
    parser = _Parser(tokens, where)
    made = parser.either(0)
    return made if made is not None and not parser.rest else None


class _Parser:
    def __init__(self, tokens: list[str], where: Where) -> None:
        self.rest = tokens
        self._where = where

    def either(self, depth: int) -> Test | None:
        return self._joined(depth, ("||", "or"), self._both, any)

    def _both(self, depth: int) -> Test | None:
        return self._joined(depth, ("&&", "and"), self._one, all)

    def _joined(
        self,
        depth: int,
        signs: tuple[str, ...],
        part: Callable[[int], Test | None],
        how: Callable[[Iterator[bool]], bool],
    ) -> Test | None:
        found = [part(depth)]
        while self.rest and self.rest[0] in signs:
            self.rest = self.rest[1:]
            found.append(part(depth))
        tests = [one for one in found if one is not None]
        if len(tests) < len(found):
            return None
        mentioned = tuple(prefix for one in tests for prefix in one.mentioned)
        return Test(lambda inside: how(one.holds(inside) for one in tests), mentioned)

    def _one(self, depth: int) -> Test | None:
        if depth > MAX_DEPTH or not self.rest:
            return None
        word, *self.rest = self.rest
        if word in ("!", "not"):
            return self._not(self._one(depth + 1))
        if word == "(":
            inner = self.either(depth + 1)
            if self.rest[:1] != [")"]:
                return None
            self.rest = self.rest[1:]
            return inner
        if word == "true":
            return Test(lambda _: True, ())
        match = _IN.fullmatch(word)
        if match is None:
            return None
        try:
            prefix = ip_network(match[1], strict=False)
        except ValueError:
            raise ConfigError(self._where, f"expected a prefix, found {match[1]!r:.60}") from None
        return Test(lambda inside: prefix in inside, (prefix,))

    @staticmethod
    def _not(inner: Test | None) -> Test | None:
        return None if inner is None else Test(lambda inside: not inner.holds(inside), inner.mentioned)


def access(one: Directive, found: Found) -> Test:
    """Whom an ``acl`` lets in: the first of its lines that has the client decides.

    Raises:
        ConfigError: a line of it is none.
    """
    rules: list[tuple[bool, tuple[Prefix, ...]]] = []
    for rule in one.inner:
        if rule.name not in ("allow", "block", "filter", "drop"):
            raise ConfigError(rule.where, f"expected allow, block, filter or drop, found {rule.name!r:.60}")
        words = list(rule.args)
        types = words[words.index("type") + 1 :] if "type" in words else []
        nets = words[words.index("net") + 1 :] if "net" in words else []
        types = types[: types.index("net")] if "net" in types else types
        if types and types != ["*"] and types != ["ANY"]:
            found.leave(rule.where, f"left out: {rule.name} for some types only; views are for all")
            continue
        if rule.name in ("filter", "drop"):
            found.leave(rule.where, f"clients of `{rule.name}` are REFUSED")
        rules.append((rule.name == "allow", tuple(_nets(nets, rule.where))))

    def holds(inside: Inside) -> bool:
        return next((allows for allows, nets in rules if any(net in inside for net in nets)), True)

    return Test(holds, tuple(prefix for _, nets in rules for prefix in nets))


def _nets(words: Sequence[str], where: Where) -> Iterator[Prefix]:
    for word in words or ("*",):
        if word in ("*", "any", "0.0.0.0/0"):
            yield from _ALL
            continue
        try:
            yield ip_network(word, strict=False)
        except ValueError:
            raise ConfigError(where, f"expected a prefix, found {word!r:.60}") from None
