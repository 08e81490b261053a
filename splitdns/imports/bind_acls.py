"""Address match lists of BIND (BIND 9 ARM, "address_match_element").

The first element that has the client decides, ``!`` against it. A list in a list counts only where it says
yes. Queries here have no keys, so that an element of a key has nobody.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import ip_network

from splitdns.errors import ConfigError, Where
from splitdns.imports.bind_statements import Statement
from splitdns.imports.entries import Found
from splitdns.imports.service import INSIDE_CLIENTS
from splitdns.value import value
from splitdns.view import Prefix

MAX_DEPTH = 16  # of lists in lists
_ALL = (ip_network("0.0.0.0/0"), ip_network("::/0"))
_HERE = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


@value(frozen=True, slots=True)
class Element:
    """``prefixes`` or a list within; ``is_against``: whom it has, is not meant."""

    prefixes: tuple[Prefix, ...] = ()
    inner: AclList | None = None
    is_against: bool = False


@value(frozen=True, slots=True)
class AclList:
    elements: tuple[Element, ...]

    def says(self, inside: Sequence[Prefix]) -> int:
        """1, -1 or 0: meant, not meant, or nothing is said, of a client in exactly these prefixes."""
        for one in self.elements:
            has = any(prefix in inside for prefix in one.prefixes)
            if has or (one.inner is not None and one.inner.says(inside) > 0):
                return -1 if one.is_against else 1
        return 0

    def has(self, inside: Sequence[Prefix]) -> bool:
        return self.says(inside) > 0

    def mentioned(self) -> Iterator[Prefix]:
        for one in self.elements:
            yield from one.prefixes
            if one.inner is not None:
                yield from one.inner.mentioned()


ANYBODY = AclList((Element(_ALL),))
NOBODY = AclList(())
NEIGHBOURS = AclList((Element(tuple(map(ip_network, INSIDE_CLIENTS))), Element(_HERE)))


class Acls:
    """Lists by their names; ``found`` is told what is not quite the same."""

    def __init__(self, found: Found) -> None:
        self._found = found
        self._named: dict[str, AclList] = {"any": ANYBODY, "none": NOBODY}

    def define(self, statement: Statement) -> None:
        """``acl NAME { … };``."""
        if len(statement.words) != 2 or statement.block is None:
            raise ConfigError(statement.where, f"expected a name and a list, found {statement.value!r:.60}")
        self._named[statement.words[1]] = self.read(statement)

    def read(self, statement: Statement, depth: int = 0) -> AclList:
        """The list in a statement's block.

        Raises:
            ConfigError: an element is none, or names a list that is not there.
        """
        if depth > MAX_DEPTH:
            raise ConfigError(statement.where, f"expected lists in lists, {MAX_DEPTH} deep at most")
        return AclList(tuple(self._element(one, depth) for one in statement.inner))

    def _element(self, one: Statement, depth: int) -> Element:
        words = one.words
        is_against = words[:1] == ("!",)
        words = words[1:] if is_against else words
        if not words and one.block is not None:
            return Element(inner=self.read(one, depth + 1), is_against=is_against)
        word = words[0] if words else ""
        if word in ("key", "geoip", "ecs") and len(words) > 1:
            self._found.leave(one.where, f"left out: clients by {word} {words[1]:.60}; views are by address")
            return Element()
        if word == "localhost":
            self._tell(one.where, "localhost was every address of that machine; here, 127.0.0.0/8 and ::1")
            return Element(_HERE, is_against=is_against)
        if word == "localnets":
            self._tell(one.where, "localnets were the networks of its interfaces; here, all private ones")
            return Element(inner=NEIGHBOURS, is_against=is_against)
        if word in self._named:
            return Element(inner=self._named[word], is_against=is_against)
        return Element((_prefix(word, one.where),), is_against=is_against)

    def _tell(self, where: Where, message: str) -> None:
        self._found.leave(where, message)


def _prefix(word: str, where: Where) -> Prefix:
    """``10/8`` is short for 10.0.0.0/8."""
    address, slash, length = word.partition("/")
    if ":" not in address and slash:
        address = ".".join([*address.split("."), "0", "0", "0"][:4])
    try:
        return ip_network(f"{address}{slash}{length}")
    except ValueError:
        message = f"expected an address, a prefix or a list's name, found {word!r:.60}"
        raise ConfigError(where, message) from None


