"""``/etc/hosts``: addresses and their names (hosts(5)).

The resolver of a machine looks there first, and asks for all else. So does dnsmasq, which makes the first
name of an address its PTR. What every machine has there of itself is nothing to tell others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

from splitdns.check.dialects.printed import Printed
from splitdns.errors import ConfigError, Where
from splitdns.imports.entries import Entry, Found
from splitdns.value import value

_ITSELF = re.compile(r"localhost\d?(\.localdomain\d?)?|localhost\.\S+|ip6-\S+|broadcasthost|local")
_NOBODY = frozenset(("0.0.0.0", "::"))


@value(frozen=True, slots=True)
class Line:
    """One line: an address, its names as written, and where the first of them stands."""

    address: IPv4Address | IPv6Address
    names: tuple[str, ...]
    where: Where


def found_in(text: Printed, _: Path) -> Found:
    """The names of a hosts file.

    Raises:
        ExceptionGroup[ConfigError]: no line of it is an address with a name.
    """
    found = Found()
    lines = list(read(text, found))
    firsts = [words[0] for line in text.text.splitlines() if (words := line.partition("#")[0].split())]
    if firsts and not any(_address(one) for one in firsts):
        wrong = ConfigError(Where(text.file, 1, 1), "expected lines with an address and names")
        raise ExceptionGroup(text.file, [wrong])
    blocked = [line for line in lines if str(line.address) in _NOBODY]
    if blocked:
        count = sum(len(line.names) for line in blocked)
        message = f"{count} names have no address, such as {blocked[0].names[0]}: list it under `blocklists`"
        found.leave(blocked[0].where, message)
    add(((line, line.names) for line in lines if line not in blocked), found)
    return found


def read(text: Printed, found: Found) -> Iterator[Line]:
    """The lines that say something about others than the machine itself; what is wrong with any is told."""
    for number, line in enumerate(text.text.splitlines(), 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        where = Where(text.file, number, len(line) - len(line.lstrip()) + 1)
        address = _address(words[0])
        if address is None:
            found.leave(where, f"left out: expected an address, found {words[0]!r:.60}")
            continue
        own = [name for name in words[1:] if _ITSELF.fullmatch(name.lower())]
        names = tuple(name.rstrip(".") for name in words[1:] if name not in own and name.rstrip("."))
        for name in own:
            found.leave(where, f"left out: {name:.60} is what a machine calls itself")
        if address.is_loopback and names:
            message = f"left out: {names[0]:.60} is this machine itself; write the address that others use"
            found.leave(where, message)
        elif names:
            yield Line(address, names, where)
        elif not own:
            found.leave(where, f"left out: {address} has no name")


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text.partition("%")[0])
    except ValueError:
        return None


def add(lines: Iterator[tuple[Line, tuple[str, ...]]], found: Found, ttl_s: int | None = None) -> None:
    """Lines as entries, each with the names that it is to have; of an address, the very first is its PTR."""
    seen: set[IPv4Address | IPv6Address] = set()
    for line, names in lines:
        rdtype = "A" if line.address.version == 4 else "AAAA"
        for name in names:
            is_first = line.address not in seen
            seen.add(line.address)
            value = str(line.address)
            found.entries.append(
                Entry(name, rdtype, value, line.where, ttl_s, is_open=True, has_ptr=is_first or None)
            )
